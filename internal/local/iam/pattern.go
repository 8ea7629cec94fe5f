package iam

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind int

const (
	literalToken  tokenKind = iota // exactly this character
	oneToken                       // "?": any one character
	manyToken                      // "*": any run of characters, empty and across every separator
	variableToken                  // "${key}" or "${key, 'default'}"
)

type token struct {
	kind     tokenKind
	char     rune
	key      string // of a variable, lower case
	fallback string
	hasElse  bool
}

// pattern is a policy string, compiled once: wildcards and variables are told
// apart from literal text here, so that nothing that a variable brings in later
// can act as a wildcard.
type pattern struct {
	text      string
	tokens    []token
	variables bool
}

type patternMode struct {
	wildcards bool // "*" and "?" stand for others
	variables bool // "${…}" is replaced: only in documents of version 2012-10-17
}

func compilePattern(s string, mode patternMode) (pattern, error) {
	p := pattern{text: s}
	rest := s
	for rest != "" {
		if mode.variables && strings.HasPrefix(rest, "${") {
			inner, after, ok := strings.Cut(rest[2:], "}")
			if !ok {
				return pattern{}, malformed("Syntax errors in policy.", "the policy variable in "+quote(s)+" has no closing brace")
			}
			tok, err := compileVariable(inner, s)
			if err != nil {
				return pattern{}, err
			}
			p.variables = p.variables || tok.kind == variableToken
			p.tokens = append(p.tokens, tok)
			rest = after
			continue
		}
		c, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		switch {
		case mode.wildcards && c == '*':
			p.tokens = append(p.tokens, token{kind: manyToken})
		case mode.wildcards && c == '?':
			p.tokens = append(p.tokens, token{kind: oneToken})
		default:
			p.tokens = append(p.tokens, token{kind: literalToken, char: c})
		}
	}
	return p, nil
}

// compileVariable reads what stands between the braces of "${…}": a condition
// key with an optional default, or one of the escapes ${*}, ${?} and ${$}.
func compileVariable(inner, whole string) (token, error) {
	switch inner {
	case "*", "?", "$":
		return token{kind: literalToken, char: rune(inner[0])}, nil
	}
	key, rest, hasDefault := strings.Cut(inner, ",")
	key = strings.ToLower(strings.TrimSpace(key))
	if err := checkKey(key); err != nil {
		return token{}, malformed("Syntax errors in policy.", "the policy variable in "+quote(whole)+" names no known key")
	}
	tok := token{kind: variableToken, key: key}
	if hasDefault {
		rest = strings.TrimSpace(rest)
		if len(rest) < 2 || rest[0] != '\'' || rest[len(rest)-1] != '\'' {
			return token{}, malformed("Syntax errors in policy.", "the default value in "+quote(whole)+" must stand in single quotes")
		}
		tok.fallback, tok.hasElse = rest[1:len(rest)-1], true
	}
	return tok, nil
}

// expand replaces the variables by literal text. It reports false where a
// variable has neither a single value nor a default: such a pattern matches
// nothing. A value's own "*" stays a literal, or a session tag of "*" would
// widen the policy that quotes it.
func (p pattern) expand(ctx Context) ([]token, bool) {
	if !p.variables {
		return p.tokens, true
	}
	out := make([]token, 0, len(p.tokens)+32)
	for _, t := range p.tokens {
		if t.kind != variableToken {
			out = append(out, t)
			continue
		}
		value := t.fallback
		switch values := ctx.Get(t.key); {
		case len(values) == 1:
			value = values[0]
		case len(values) > 1, !t.hasElse:
			return nil, false
		}
		for _, c := range value {
			out = append(out, token{kind: literalToken, char: c})
		}
	}
	return out, true
}

// match compares the whole of s, case-sensitively.
func (p pattern) match(ctx Context, s string) bool {
	tokens, ok := p.expand(ctx)
	return ok && matchTokens(tokens, []rune(s), false)
}

// matchFold is match without regard to case.
func (p pattern) matchFold(ctx Context, s string) bool {
	tokens, ok := p.expand(ctx)
	return ok && matchTokens(tokens, []rune(s), true)
}

// matchTokens fills a table row by row instead of backtracking: its cost is
// bounded by the product of the two lengths whatever a policy's author writes.
func matchTokens(tokens []token, s []rune, fold bool) bool {
	reach := make([]bool, len(s)+1) // reach[i]: the tokens so far can end before s[i]
	reach[0] = true
	for _, t := range tokens {
		if t.kind == manyToken {
			for i := 1; i <= len(s); i++ {
				reach[i] = reach[i] || reach[i-1]
			}
			continue
		}
		for i := len(s); i > 0; i-- {
			reach[i] = reach[i-1] && (t.kind == oneToken || sameChar(t.char, s[i-1], fold))
		}
		reach[0] = false
	}
	return reach[len(s)]
}

func sameChar(a, b rune, fold bool) bool {
	if a == b {
		return true
	}
	return fold && unicode.ToLower(a) == unicode.ToLower(b)
}

// splitARN cuts tokens at the first five literal colons into the six parts of an
// ARN. A wildcard never supplies a colon: "arn:*" has two parts and is no ARN.
func splitARN(tokens []token) ([][]token, bool) {
	parts := make([][]token, 0, 6)
	start := 0
	for i, t := range tokens {
		if t.kind == literalToken && t.char == ':' && len(parts) < 5 {
			parts = append(parts, tokens[start:i])
			start = i + 1
		}
	}
	parts = append(parts, tokens[start:])
	return parts, len(parts) == 6
}
