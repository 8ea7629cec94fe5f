// Package iam evaluates IAM policies as AWS documents it and keeps the
// directory of the pretended accounts: their roles, users and live sessions.
//
// It is the judge of the session policies, allowlists and templates that the
// rest of the repository writes, so it must not import any package that writes
// them: a matcher shared by judge and judged would hide its own mistakes. It
// knows nothing of HTTP, and it never decides in doubt: what it cannot parse is
// an error, what no statement allows is denied, and the zero Result is a denial.
package iam
