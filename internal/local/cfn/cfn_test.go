package cfn_test

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/credvend/credvend/internal/local/cfn"
)

var pseudo = cfn.Pseudo{AccountID: "444455556666", Region: "us-east-1", Partition: "aws", URLSuffix: "amazonaws.com", StackName: "credvend"}

// attribute answers id for Ref and id.Attribute for GetAtt.
func attribute(r cfn.Reference) (any, error) {
	switch r.Attribute {
	case "":
		return "ref-" + r.LogicalID, nil
	case "List":
		return []string{"x", "y"}, nil
	case "Number":
		return 5, nil
	case "Missing":
		return nil, errors.New("there is no such attribute")
	case "Name":
		p, err := r.Properties()
		if err != nil {
			return nil, err
		}
		name, _ := cfn.Text(p["Name"])
		return name, nil
	}
	return r.LogicalID + "." + r.Attribute, nil
}

func resolve(text string, parameters map[string]string) (*cfn.Stack, error) {
	t, err := cfn.Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	return t.Resolve(cfn.Options{Parameters: parameters, Pseudo: pseudo, Attribute: attribute})
}

// head is a template to whose one property V values are appended.
const head = `
Parameters:
  Text: {Type: String, Default: hello}
  Empty: {Type: String, Default: ''}
  Count: {Type: Number, Default: 3}
  List: {Type: CommaDelimitedList, Default: 'a, b,c'}
Mappings:
  Regions:
    us-east-1: {Name: Virginia, Zones: [a, b]}
Conditions:
  Holds: !Equals [!Ref Text, hello]
  Fails: !Not [!Condition Holds]
  Both: !And [!Condition Holds, !Or [!Condition Fails, !Equals [!Select [0, !Split [',', !Sub '${Empty},x']], '']]]
Resources:
  Other: {Type: T::Other, Properties: {Name: other}}
  Ghost: {Type: T::Ghost, Condition: Fails}
  R:
    Type: T::R
    Properties:
      V: `

func TestValues(t *testing.T) {
	list := func(v ...any) any { return v }
	for name, c := range map[string]struct {
		value string
		want  any
	}{
		"plain":                          {`hello`, "hello"},
		"number":                         {`3600`, json.Number("3600")},
		"decimal":                        {`1.50`, json.Number("1.50")},
		"boolean":                        {`true`, true},
		"quoted number":                  {`'3600'`, "3600"},
		"quoted on":                      {`'on'`, "on"},
		"date-like text":                 {`2012-10-17`, "2012-10-17"},
		"colons":                         {`arn:aws:iam::1:role/*`, "arn:aws:iam::1:role/*"},
		"block":                          {"|\n        a\n         b", "a\n b\n"},
		"map":                            {`{a: 1, b: [x]}`, map[string]any{"a": json.Number("1"), "b": list("x")}},
		"map with a key Condition":       {`{Condition: Holds}`, map[string]any{"Condition": "Holds"}},
		"Ref of a parameter":             {`!Ref Text`, "hello"},
		"Ref in its long form":           {`{Ref: Text}`, "hello"},
		"Ref of a number is text":        {`!Ref Count`, "3"},
		"Ref of a list":                  {`!Ref List`, list("a", "b", "c")},
		"Ref of a pseudo parameter":      {`!Ref AWS::AccountId`, "444455556666"},
		"Ref of a resource":              {`!Ref Other`, "ref-Other"},
		"GetAtt":                         {`!GetAtt Other.Arn`, "Other.Arn"},
		"GetAtt with a dot":              {`!GetAtt Other.A.B`, "Other.A.B"},
		"GetAtt of two":                  {`!GetAtt [Other, Arn]`, "Other.Arn"},
		"GetAtt in its long form":        {`{"Fn::GetAtt": [Other, Arn]}`, "Other.Arn"},
		"GetAtt of a list":               {`!GetAtt Other.List`, list("x", "y")},
		"GetAtt of a given name":         {`!GetAtt Other.Name`, "other"},
		"Sub":                            {`!Sub '${Text}-${AWS::Region}-${Other}-${Other.Arn}'`, "hello-us-east-1-ref-Other-Other.Arn"},
		"Sub of a number":                {`!Sub '${Count}'`, "3"},
		"Sub leaves dollars alone":       {`!Sub '$default/$ {x} $'`, "$default/$ {x} $"},
		"Sub writes ${!x} as ${x}":       {`!Sub '${!aws:username}/${Text}'`, "${aws:username}/hello"},
		"Sub is not done twice":          {`!Sub ['${A}', {A: '${Text}'}]`, "${Text}"},
		"Sub's variables come first":     {`!Sub ['${Text}', {Text: mine}]`, "mine"},
		"Sub with a function within":     {`!Sub ['<${A}>', {A: !Join ['+', !Ref List]}]`, "<a+b+c>"},
		"Join":                           {`!Join [',', [a, !Ref Count, true]]`, "a,3,true"},
		"Join leaves out NoValue":        {`!Join [',', [a, !Ref 'AWS::NoValue', b]]`, "a,b"},
		"Join of nothing":                {`!Join [',', []]`, ""},
		"Split":                          {`!Split [',', 'a,,b']`, list("a", "", "b")},
		"Split of nothing":               {`!Split [',', !Ref Empty]`, list("")},
		"Select":                         {`!Select [1, !Ref List]`, "b"},
		"Select by a text":               {`!Select ['0', [x]]`, "x"},
		"FindInMap":                      {`!FindInMap [Regions, !Ref AWS::Region, Name]`, "Virginia"},
		"FindInMap of a list":            {`!FindInMap [Regions, us-east-1, Zones]`, list("a", "b")},
		"If":                             {`!If [Holds, a, b]`, "a"},
		"If not":                         {`!If [Fails, a, b]`, "b"},
		"If does not look the other way": {`!If [Fails, !Ref Ghost, b]`, "b"},
		"If with And, Or, Select":        {`!If [Both, a, b]`, "a"},
		"NoValue in a list":              {`[a, !If [Fails, b, !Ref AWS::NoValue]]`, list("a")},
		"NoValue in a map":               {`{a: !Ref 'AWS::NoValue', b: c}`, map[string]any{"b": "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			stack, err := resolve(head+c.value+"\n", nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, stack.Resources["R"].Properties["V"]); diff != "" {
				t.Error(diff)
			}
			if _, made := stack.Resources["Ghost"]; made {
				t.Error("a resource is made whose condition is false")
			}
		})
	}
}

func TestRefusedValues(t *testing.T) {
	for value, want := range map[string]string{
		`!Base64 x`:                               "the tag !Base64 is not understood",
		`!GetAZs ''`:                              "the tag !GetAZs is not understood",
		`!ImportValue x`:                          "the tag !ImportValue is not understood",
		`!ref Text`:                               "the tag !ref is not understood",
		`!!str 5`:                                 "is not understood",
		`{"Fn::Base64": x}`:                       "the function Fn::Base64 is not understood",
		`{"Fn::Transform": {Name: x}}`:            "the function Fn::Transform is not understood",
		`{"Fn::ForEach::X": [a]}`:                 "the function Fn::ForEach::X is not understood",
		`{"Fn::Sub": x, a: b}`:                    "stands alone",
		`{Ref: Text, a: b}`:                       "stands alone",
		`!Ref AWS::Nowhere`:                       "the pseudo parameter AWS::Nowhere is not understood",
		`!Ref AWS::NotificationARNs`:              "the pseudo parameter AWS::NotificationARNs is not understood",
		`!Ref AWS::StackId`:                       "has no value here",
		`!Ref Nobody`:                             "there is no parameter, pseudo parameter or resource Nobody",
		`!Ref Ghost`:                              "Ghost, which is not created: the condition Fails is false",
		`!Sub '${Ghost.Arn}'`:                     "which is not created",
		`!Ref [Text]`:                             "Ref is plain text",
		`!Ref !Ref Text`:                          "",
		`!GetAtt Other`:                           "a logical id and an attribute",
		`!GetAtt Text.Arn`:                        "there is no parameter, pseudo parameter or resource Text",
		`!GetAtt Other.Missing`:                   "there is no such attribute",
		`!GetAtt Other.Number`:                    "must be a string or a list",
		`!GetAtt R.Name`:                          "depend on themselves",
		`!Sub '${R.Arn}'`:                         "circular dependency between resources: R → R",
		`!Sub '${aws:username}'`:                  "there is no parameter",
		`!Sub '${AWS::Nothing}'`:                  "the pseudo parameter AWS::Nothing",
		`!Sub '${List}'`:                          "${List} is not a single value",
		`!Sub '${Text'`:                           "is not closed",
		`!Sub '${}'`:                              "there is no parameter",
		`!Sub ['${A}', {A: !Ref List}]`:           "single value",
		`!Sub ['${A}', {A: !Ref 'AWS::NoValue'}]`: "single value",
		`!Sub [x]`:                                "Fn::Sub takes",
		`!Sub {A: b}`:                             "plain text",
		`!Join [!Ref Text, [a]]`:                  "the delimiter of Fn::Join is plain text",
		`!Join [',', a]`:                          "Fn::Join takes a list",
		`!Join [',', [[a]]]`:                      "single values",
		`!Split [!Ref Text, a]`:                   "the delimiter of Fn::Split is plain text",
		`!Split ['', a]`:                          "is empty",
		`!Split [',', [a]]`:                       "single value",
		`!Select [3, !Ref List]`:                  `"3" is no index of a list of 3`,
		`!Select [-1, !Ref List]`:                 "is no index",
		`!Select [x, !Ref List]`:                  "is no index",
		`!Select [0, a]`:                          "takes a list",
		`!FindInMap [Regions, eu-west-1, Name]`:   "there is no Regions.eu-west-1.Name",
		`!FindInMap [Nothing, a, b]`:              "there is no Nothing.a.b",
		`!If [Maybe, a, b]`:                       "there is no condition Maybe",
		`!If [Holds, a]`:                          "Fn::If takes",
		`!If [!Equals [a, a], a, b]`:              "plain text",
		`!Equals [a, b]`:                          "Conditions or Rules only",
		`!And [a, b]`:                             "Conditions or Rules only",
		`!Contains [[a], b]`:                      "Conditions or Rules only",
		`!Condition Holds`:                        "", // in a property it is a map with the key Condition
		`on`:                                      "without quotes is a boolean",
		`No`:                                      "without quotes is a boolean",
		`null`:                                    "takes no null",
		`~`:                                       "takes no null",
		``:                                        "",
		`0123`:                                    "tools read differently",
		`1_000`:                                   "tools read differently",
		`0x1F`:                                    "tools read differently",
		`.inf`:                                    "not understood",
		`&a x`:                                    "anchors",
		`{a: 1, a: 2}`:                            "a",
		`{<<: {a: b}}`:                            "merges",
		`[` + strings.Repeat("[", 101):            "brackets",
		strings.Repeat("- ", 70) + "x":            "",
		strings.Repeat("[", 70) + strings.Repeat("]", 70): "nested deeper",
		`"` + strings.Repeat("x", 5000) + `"`:             "bytes",
		"'\xff'":                                          "UTF-8",
	} {
		name := value
		if len(name) > 40 {
			name = name[:40]
		}
		t.Run(name, func(t *testing.T) {
			stack, err := resolve(head+value+"\n", nil)
			if want == "" && value == `!Condition Holds` {
				return
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v (%v), want an error with %q", err, stack, want)
			}
		})
	}
}

func TestRefusedTemplates(t *testing.T) {
	const r = "Resources: {R: {Type: T}}\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":                             {"", "one YAML document"},
		"not a map":                         {"[a]", "a map of sections"},
		"two documents":                     {r + "---\n" + r, "one YAML document"},
		"no resources":                      {"Parameters: {}\n", "no Resources"},
		"unknown section":                   {r + "Globals: {Function: {}}\n", "the section Globals"},
		"another macro":                     {r + "Transform: AWS::LanguageExtensions\n", "Transform"},
		"a list of macros":                  {r + "Transform: [AWS::Serverless-2016-10-31]\n", "Transform"},
		"another version":                   {r + "AWSTemplateFormatVersion: 2010-09-08\n", "2010-09-09"},
		"resource without type":             {"Resources: {R: {Properties: {}}}\n", "needs a Type"},
		"unknown resource attribute":        {"Resources: {R: {Type: T, CreationPolicy: {}}}\n", "CreationPolicy"},
		"misspelt attribute":                {"Resources: {R: {Type: T, Propertys: {}}}\n", "Propertys"},
		"properties by a function":          {"Resources: {R: {Type: T, Properties: !Ref 'AWS::Region'}}\n", "not a function"},
		"unknown condition":                 {"Resources: {R: {Type: T, Condition: C}}\n", "no condition C"},
		"unknown dependency":                {"Resources: {R: {Type: T, DependsOn: S}}\n", "cannot depend on S"},
		"dependency on itself":              {"Resources: {R: {Type: T, DependsOn: R}}\n", "cannot depend on R"},
		"cycle by references":               {"Resources: {A: {Type: T, Properties: {X: !Ref B}}, B: {Type: T, Properties: {X: !GetAtt A.Arn}}}\n", "circular dependency between resources: A → B → A"},
		"cycle by DependsOn":                {"Resources: {A: {Type: T, DependsOn: B}, B: {Type: T, DependsOn: [C]}, C: {Type: T, Properties: {X: !Sub '${A}'}}}\n", "A → B → C → A"},
		"cycle by names":                    {"Resources: {A: {Type: T, Properties: {Name: !GetAtt B.Name}}, B: {Type: T, Properties: {Name: !GetAtt A.Name}}}\n", "depend on themselves"},
		"a parameter's name for a resource": {"Parameters: {R: {Type: String}}\n" + r, "the name of a parameter"},
		"condition on a resource":           {r + "Conditions: {C: !Equals [!Ref R, a]}\n", "cannot refer to the resource R"},
		"condition on itself":               {r + "Conditions: {C: !Not [!Condition D], D: !Not [!Condition C]}\n", "depends on itself"},
		"condition unknown":                 {r + "Conditions: {C: !Not [!Condition D]}\n", "no condition D"},
		"condition by If":                   {r + "Conditions: {C: !If [D, a, b]}\n", "Fn::If is not understood in a condition"},
		"If within a condition":             {r + "Conditions: {C: !Equals [!If [D, a, b], a]}\n", "no place in a condition"},
		"a text as condition":               {r + "Conditions: {C: true}\n", "a condition is one function"},
		"Not of two":                        {r + "Conditions: {C: !Not [!Equals [a, a], !Equals [a, b]]}\n", "list of 1 to 1"},
		"And of one":                        {r + "Conditions: {C: !And [!Equals [a, a]]}\n", "list of 2 to 10"},
		"Or hides no mistake":               {r + "Conditions: {C: !Or [!Equals [a, a], !Equals [a]]}\n", "two values"},
		"Equals of lists":                   {r + "Conditions: {C: !Equals [[a], [a]]}\n", "single values"},
		"Contains outside a rule":           {r + "Conditions: {C: !Contains [[a], a]}\n", "not understood in a condition"},
		"rule by condition":                 {r + "Conditions: {C: !Equals [a, a]}\nRules: {X: {Assertions: [{Assert: !Condition C}]}}\n", "a rule cannot use the condition"},
		"rule without assertions":           {r + "Rules: {X: {RuleCondition: !Equals [a, a]}}\n", "needs Assertions"},
		"rule with an unknown key":          {r + "Rules: {X: {Assertion: []}}\n", "not understood in a rule"},
		"output without value":              {r + "Outputs: {O: {Description: d}}\n", "needs a Value"},
		"output that is a list":             {r + "Outputs: {O: {Value: [a]}}\n", "single value"},
		"output with export":                {r + "Outputs: {O: {Value: a, Export: {Name: x}}}\n", "Export"},
		"output of what is not made":        {"Conditions: {C: !Equals [a, b]}\nResources: {R: {Type: T, Condition: C}, S: {Type: T}}\nOutputs: {O: {Value: !Ref R}}\n", "not created"},
		"mapping of one level":              {r + "Mappings: {M: {a: b}}\n", "two levels"},
		"mapping with a function":           {r + "Mappings: {M: {a: {b: !Ref 'AWS::Region'}}}\n", "plain values"},
		"name of an odd form":               {"Resources: {R-1: {Type: T}}\n", "letters and digits"},
		"tabs":                              {"Resources:\n\tR: {Type: T}\n", "not YAML"},
		"too large":                         {r + strings.Repeat("# x\n", 70000), "at most 262144"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := resolve(c.text, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestParameters(t *testing.T) {
	const text = `
Parameters:
  Id: {Type: String, AllowedPattern: 'a|[b-d]+', ConstraintDescription: write b to d}
  Words: {Type: CommaDelimitedList, AllowedPattern: '[a-z]+', Default: 'a, b'}
  Short: {Type: String, MinLength: 2, MaxLength: 4, Default: äöü}
  Number: {Type: Number, MinValue: -1, MaxValue: 1.5, Default: 0}
  Choice: {Type: String, AllowedValues: ['on', 'off', 1], Default: 'on'}
Rules:
  NotOff:
    RuleCondition: !Equals [!Ref Short, none]
    Assertions: [{Assert: !Equals [!Ref Choice, 'on'], AssertDescription: none goes with on alone}]
  Known:
    Assertions:
      - {Assert: !EachMemberIn [!Ref Words, [a, b, c]], AssertDescription: a to c}
      - {Assert: !Contains [['on', 'off', '1'], !Ref Choice], AssertDescription: a choice}
      - {Assert: !Not [!EachMemberEquals [!Ref Words, c]], AssertDescription: not c alone}
Resources: {R: {Type: T, Properties: {Words: !Ref Words, Number: !Ref Number}}}
`
	for name, c := range map[string]struct {
		given map[string]string
		want  string // "": taken
	}{
		"defaults":                              {nil, ""},
		"pattern":                               {map[string]string{"Id": "bcd"}, ""},
		"pattern of the whole value":            {map[string]string{"Id": "a-evil"}, `parameter Id: "a-evil" is refused: write b to d`},
		"longer than CloudFormation takes":      {map[string]string{"Id": strings.Repeat("b", 4097)}, `is refused: CloudFormation takes at most 4096 characters`},
		"pattern and a line feed":               {map[string]string{"Id": "a\n"}, "write b to d"},
		"pattern, empty":                        {map[string]string{"Id": ""}, "write b to d"},
		"list":                                  {map[string]string{"Words": "c,a"}, ""},
		"list, one of it bad":                   {map[string]string{"Words": "a,B"}, "AllowedPattern"},
		"too short":                             {map[string]string{"Short": "a"}, "shorter than 2"},
		"too long, in characters":               {map[string]string{"Short": "äöüßä"}, "longer than 4"},
		"number too small":                      {map[string]string{"Number": "-2"}, "below -1"},
		"number too large":                      {map[string]string{"Number": "1.51"}, "above 3/2"},
		"no number":                             {map[string]string{"Number": "1e9"}, "no number"},
		"none of the values":                    {map[string]string{"Choice": "ON"}, "none of on, off, 1"},
		"a value that stands there as a number": {map[string]string{"Choice": "1"}, ""},
		"unknown":                               {map[string]string{"Nobody": "x"}, "no parameter of this name"},
		"rule":                                  {map[string]string{"Short": "none", "Choice": "off"}, "rule NotOff: none goes with on alone"},
		"rule that does not apply":              {map[string]string{"Choice": "off"}, ""},
		"EachMemberIn":                          {map[string]string{"Words": "a,d"}, "rule Known: a to c"},
		"EachMemberEquals":                      {map[string]string{"Words": "c,c"}, "rule Known: not c alone"},
	} {
		t.Run(name, func(t *testing.T) {
			given := map[string]string{"Id": "a"}
			maps.Copy(given, c.given)
			_, err := resolve(text, given)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := resolve(text, nil); err == nil || !strings.Contains(err.Error(), "parameter Id: it has no default") {
		t.Errorf("a missing value: %v", err)
	}
	for attributes, want := range map[string]string{
		"Type: AWS::SSM::Parameter::Value<String>": "not understood here",
		"Default: x":                             "needs a Type",
		"Type: String, MinValue: 1":              "for numbers",
		"Type: Number, MaxLength: 1":             "for strings",
		"Type: String, AllowedPattern: '('":      "cannot be read",
		"Type: String, Defaults: x":              "Defaults",
		"Type: String, MinLength: 2, Default: x": "its default is not allowed",
	} {
		if _, err := cfn.Parse([]byte("Parameters: {P: {" + attributes + "}}\nResources: {R: {Type: T}}\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", attributes, err, want)
		}
	}
}

func TestStack(t *testing.T) {
	stack, err := resolve(`
Conditions: {C: !Equals [!Ref 'AWS::Region', eu-west-1]}
Resources:
  A: {Type: T::A, DependsOn: [B, Never], Properties: {X: !Ref D, Z: !Sub '${B.Arn}'}}
  B: {Type: T::B, Metadata: {x: z}, DeletionPolicy: Retain}
  D: {Type: T::D}
  Never: {Type: T::N, Condition: C, Properties: {X: !Ref A}}
Outputs:
  One: {Value: !Ref A}
  Two: {Value: !Ref Never, Condition: C}
  Three: {Value: 3}
`, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &cfn.Stack{
		Conditions: map[string]bool{"C": false},
		Resources: map[string]cfn.Resource{
			"A": {Type: "T::A", Properties: map[string]any{"X": "ref-D", "Z": "B.Arn"}, DependsOn: []string{"B", "D"}},
			"B": {Type: "T::B", Properties: map[string]any{}},
			"D": {Type: "T::D", Properties: map[string]any{}},
		},
		Outputs: map[string]string{"One": "ref-A", "Three": "3"},
	}
	if diff := cmp.Diff(want, stack); diff != "" {
		t.Error(diff)
	}
	bare, err := cfn.Parse([]byte("Resources: {A: {Type: T, Properties: {X: !Ref B}}, B: {Type: T}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bare.Resolve(cfn.Options{}); err == nil || !strings.Contains(err.Error(), "nothing is known of the resource B") {
		t.Errorf("without a resolver: %v", err)
	}
}

// FuzzParse: whatever comes in, an answer comes out, soon.
func FuzzParse(f *testing.F) {
	f.Add(head + "!Sub ['${A}', {A: !If [Holds, !Ref Text, b]}]\n")
	f.Add("Resources: {R: {Type: T, Properties: {X: !Select [0, !Split ['.', x]]}}}\n")
	f.Add("a: !Ref\nb: - c\n")
	f.Fuzz(func(_ *testing.T, text string) {
		t, err := cfn.Parse([]byte(text))
		if err != nil {
			return
		}
		_, _ = t.Resolve(cfn.Options{Pseudo: pseudo, Attribute: attribute})
	})
}
