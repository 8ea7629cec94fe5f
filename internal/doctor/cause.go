package doctor

// Cause names a cause, for scripts. The words never change their meaning.
type Cause string

// The causes that are told apart.
const (
	BadConfig          Cause = "bad-config"
	ProfileMissing     Cause = "profile-missing"
	NoCredentials      Cause = "no-credentials"
	LoginExpired       Cause = "login-expired"
	VendedCredentials  Cause = "vended-credentials" //nolint:gosec // G101: a word, no credential
	RegionMismatch     Cause = "region-mismatch"
	WrongService       Cause = "wrong-service"
	WrongDoor          Cause = "wrong-door" // a token at an IAM door, or a signature at a token's
	WrongURL           Cause = "wrong-url"
	NoSuchHost         Cause = "no-such-host"
	Network            Cause = "network"
	Certificate        Cause = "certificate"
	ForeignAnswer      Cause = "foreign-answer"
	DoorDown           Cause = "door-down"
	DoorOpen           Cause = "door-open"
	DoorUnbelieved     Cause = "door-not-believed"
	Throttled          Cause = "throttled"
	Clock              Cause = "clock"
	ExpiredCredentials Cause = "expired-credentials" //nolint:gosec // G101: a word, no credential
	UnknownKey         Cause = "unknown-key"
	WrongSecret        Cause = "wrong-secret"
	MayNotInvoke       Cause = "may-not-invoke" // the caller's own policy
	OtherAccount       Cause = "other-account"
	ResourcePolicy     Cause = "resource-policy"
	ExplicitDeny       Cause = "explicit-deny"

	BadToken         Cause = "bad-token"
	ExpiredToken     Cause = "expired-token"
	TokenNotYetValid Cause = "token-not-yet-valid" //nolint:gosec // G101: a word, no credential
	WrongAudience    Cause = "wrong-audience"
	WrongIssuer      Cause = "wrong-issuer"
	WrongKey         Cause = "wrong-key"
	MissingScope     Cause = "missing-scope"

	NoCaller         Cause = "no-caller"
	NoRule           Cause = "no-rule"
	WrongIdentity    Cause = "wrong-identity"
	UnknownTarget    Cause = "unknown-target"
	DenyRule         Cause = "deny-rule"
	ServiceDown      Cause = "service-unavailable"
	ServiceFails     Cause = "service-fails"
	BadRequest       Cause = "bad-request"
	TrustPrincipal   Cause = "trust-principal"
	TrustPinned      Cause = "trust-pinned"
	TrustCondition   Cause = "trust-condition"
	ExternalID       Cause = "external-id"
	RoleMissing      Cause = "role-missing"
	SessionLimit     Cause = "session-limit"
	TrustTags        Cause = "trust-tag-session"
	TrustSourceID    Cause = "trust-set-source-identity"
	BrokerAssume     Cause = "broker-assume-role"
	BrokerTags       Cause = "broker-tag-session"
	BrokerSourceID   Cause = "broker-set-source-identity"
	BrokerCondition  Cause = "broker-condition"
	OrganisationDeny Cause = "organisation-deny"

	OpenRoute         Cause = "open-route"
	OtherAuthorizer   Cause = "other-authorizer"
	NoSuchRoute       Cause = "no-such-route"
	WrongAPI          Cause = "wrong-api" // the API's id or stage, in the role's policy
	ListedAPI         Cause = "wrong-api-in-allowlist"
	RoleMayNot        Cause = "role-without-execute-api"
	WrongRouteInRole  Cause = "role-without-route"
	BackendFails      Cause = "backend-fails"
	TargetUnreachable Cause = "target-unreachable"
)
