package deploy

import "fmt"

// FunctionURL is the URL of the function.
type FunctionURL struct {
	ID   string
	Open bool // AuthType NONE
}

func readURL(r *reader, id string, p *properties) error {
	if f := r.stack.Function; f == nil || p.required("TargetFunctionArn") != f.ARN {
		return fmt.Errorf("function not found: %s", p.text("TargetFunctionArn"))
	}
	p.oneOf("InvokeMode", "BUFFERED")
	if p.required("AuthType"); p.oneOf("AuthType", "AWS_IAM", "NONE") == "NONE" {
		r.stack.URLs = append(r.stack.URLs, &FunctionURL{ID: r.doorID(id, urlIDLength), Open: true})
		return nil
	}
	r.stack.URLs = append(r.stack.URLs, &FunctionURL{ID: r.doorID(id, urlIDLength)})
	return nil
}

// HasDoor tells whether an API or a URL of the stack has the id.
func (s *Stack) HasDoor(id string) bool {
	return s.HTTPAPI(id) != nil || s.RESTAPI(id) != nil || s.URL(id) != nil
}

// HTTPAPI is the HTTP API of the id; nil if there is none.
func (s *Stack) HTTPAPI(id string) *HTTPAPI {
	for _, api := range s.HTTPAPIs {
		if api.ID == id {
			return api
		}
	}
	return nil
}

// RESTAPI is the REST API of the id; nil if there is none.
func (s *Stack) RESTAPI(id string) *RESTAPI {
	for _, api := range s.RESTAPIs {
		if api.ID == id {
			return api
		}
	}
	return nil
}

// URL is the function URL of the id; nil if there is none.
func (s *Stack) URL(id string) *FunctionURL {
	for _, u := range s.URLs {
		if u.ID == id {
			return u
		}
	}
	return nil
}
