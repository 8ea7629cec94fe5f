package lint

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// lookAlikeNames finds two names of one kind that a reviewer takes for one.
func (l *linter) lookAlikeNames() {
	ids := make([]string, len(l.rules))
	for i := range l.rules {
		ids[i] = l.rules[i].ID
	}
	pairs(l.targets, func(name, like string, _ int) {
		l.aboutKey(lookAlike("targets", like, name), renameIt, "targets", name)
	})
	pairs(l.callers, func(name, like string, _ int) {
		l.aboutKey(lookAlike("callers", like, name), renameIt, "callers", name)
	})
	pairs(ids, func(name, like string, place int) {
		l.add(found{rule: name, path: []any{"rules", place, "id"}, text: lookAlike("rules", like, name), remedy: renameIt})
	})
}

const renameIt = "rename one of them"

func lookAlike(kind, a, b string) string {
	return fmt.Sprintf("the %s %q and %q look alike", kind, a, b)
}

// pairs calls f for each name that looks like one before it.
func pairs(names []string, f func(name, like string, place int)) {
	first := make(map[string]string, len(names))
	for i, name := range names {
		s := skeleton(name)
		if like, taken := first[s]; taken {
			f(name, like, i)
		} else {
			first[s] = name
		}
	}
}

// skeleton gives names that look alike in a usual font the same text.
func skeleton(name string) string {
	return strings.NewReplacer("rn", "m", "vv", "w", "0", "o", "1", "l", "i", "l", "_", "-", ".", "-").Replace(strings.ToLower(name))
}

// twins are letters of other scripts that look like Latin ones, each followed
// by the one that it looks like: Cyrillic, Greek, Armenian, and the wide forms.
const twins = "аaВBсcеeНHіiјjКKМMоoОOрpРPѕsТTхxХXуyАAЕEСCІIЈJЅSԁdԛqԝwһhΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXοoνvιiαaρpυuօoսuհhոn"

func twin(r rune) (latin rune, ok bool) {
	if r >= 'Ａ' && r <= 'Ｚ' || r >= 'ａ' && r <= 'ｚ' || r >= '０' && r <= '９' {
		return r - 'Ａ' + 'A', true
	}
	all := []rune(twins)
	for i := 0; i+1 < len(all); i += 2 {
		if all[i] == r {
			return all[i+1], true
		}
	}
	return 0, false
}

// lookAlikeLetters finds letters that look like others in texts that are
// compared to the letter: claims, their values, issuers, audiences, tags. A
// word wholly of another script is left alone.
func (l *linter) lookAlikeLetters() {
	for _, name := range l.callers {
		k := l.doc.Callers[name]
		if k.JWT != nil {
			l.letters(k.JWT.Issuer, false, "callers", name, "jwt", "issuer")
			l.letters(k.JWT.Audience, false, "callers", name, "jwt", "audience")
			for _, claim := range sortedKeys(k.JWT.Claims) {
				l.letters(claim, true, "callers", name, "jwt", "claims", claim)
				for i, v := range k.JWT.Claims[claim] {
					l.letters(v, false, "callers", name, "jwt", "claims", claim, i)
				}
			}
		}
		for _, key := range sortedKeys(k.Tags) {
			l.letters(key, true, "callers", name, "tags", key)
			l.letters(k.Tags[key], false, "callers", name, "tags", key)
		}
	}
}

func (l *linter) letters(text string, key bool, path ...any) {
	if !slices.ContainsFunc([]rune(text), func(r rune) bool { return r > unicode.MaxASCII }) {
		return
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		odd, like, other := rune(0), rune(0), false
		for _, r := range word {
			if latin, is := twin(r); is {
				if odd == 0 {
					odd, like = r, latin
				}
			} else if r > unicode.MaxASCII && !unicode.Is(unicode.Latin, r) {
				other = true // a letter that can be nothing else: a word of another script
			}
		}
		latin := slices.ContainsFunc([]rune(word), func(r rune) bool { return unicode.Is(unicode.Latin, r) && r <= unicode.MaxASCII })
		if odd == 0 || other && !latin {
			continue
		}
		l.add(found{path: path, key: key,
			text:   fmt.Sprintf("%q holds U+%04X, which looks like %q and is another letter", word, odd, string(like)),
			remedy: "type the letter anew, or write the word in one script and say so in a comment"})
		return
	}
}
