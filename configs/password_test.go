package configs

import (
	"encoding/base64"
	"strings"
	"testing"
)

// hashOf has its salt from RFC 7914's example, and a cost that tests can afford.
const hashOf = "$pbkdf2-sha256$i=20000$TmFDbE5hQ2w$"

func TestPassword(t *testing.T) {
	full, err := HashPassword("correct horse")
	if err != nil || !strings.HasPrefix(full, "$pbkdf2-sha256$i=600000$") || passwordHash(full) != nil {
		t.Errorf("the settings do not take %q, %v", full, err)
	}
	hash, err := hashPassword("correct horse", minPasswordCost)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := hashPassword("correct horse", minPasswordCost); hash == again {
		t.Error("two hashes of one password are the same: no salt")
	}
	for password, want := range map[string]bool{"correct horse": true, "Correct horse": false, "correct horse ": false, "": false} {
		if got := PasswordMatches(hash, password); got != want {
			t.Errorf("%q matches: %v", password, got)
		}
	}
}

// TestPasswordVector: any other program's PBKDF2 gives the same key. Made with Python's
// hashlib.pbkdf2_hmac("sha256", b"Password", b"NaClNaCl", 20000).
func TestPasswordVector(t *testing.T) {
	const hash = hashOf + "THWle7adzJEtUNVeu/m2DWu8oU8R28FLk4tub07TL1s"
	if !PasswordMatches(hash, "Password") || PasswordMatches(hash, "password") {
		t.Error("not the PBKDF2 of RFC 8018")
	}
}

func TestPasswordLength(t *testing.T) {
	for password, want := range map[string]bool{
		"": false, "seven77": false, strings.Repeat("x", MaxPassword+1): false,
	} {
		if _, err := HashPassword(password); (err == nil) != want {
			t.Errorf("%d bytes: %v", len(password), err)
		}
	}
}

func TestPasswordHashesThatAreNone(t *testing.T) {
	key := base64.RawStdEncoding.EncodeToString(make([]byte, keySize))
	const salt = "TmFDbE5hQ2w"
	for name, text := range map[string]string{
		"plain":                "hunter2",
		"plain, and the word":  "pbkdf2-is-my-password",
		"another scheme":       "$2b$12$" + salt + "$" + key,
		"the name alone":       "$pbkdf2-sha256$",
		"no cost":              "$pbkdf2-sha256$i=$" + salt + "$" + key,
		"a low cost":           "$pbkdf2-sha256$i=1$" + salt + "$" + key,
		"a cost that hangs":    "$pbkdf2-sha256$i=2000000000$" + salt + "$" + key,
		"a cost that wraps":    "$pbkdf2-sha256$i=99999999999999999999$" + salt + "$" + key,
		"a negative cost":      "$pbkdf2-sha256$i=-600000$" + salt + "$" + key,
		"no salt":              "$pbkdf2-sha256$i=600000$$" + key,
		"no key":               "$pbkdf2-sha256$i=600000$" + salt + "$",
		"half a key":           "$pbkdf2-sha256$i=600000$" + salt + "$" + key[:20],
		"not base64":           "$pbkdf2-sha256$i=600000$" + salt + "$" + strings.Repeat("!", 43),
		"with its key's name":  `password = "$pbkdf2-sha256$i=600000$` + salt + "$" + key + `"`,
		"something behind it":  "$pbkdf2-sha256$i=600000$" + salt + "$" + key + "$",
		"a salt that is large": "$pbkdf2-sha256$i=600000$" + strings.Repeat("A", 128) + "$" + key,
	} {
		if passwordHash(text) == nil {
			t.Errorf("%s: %q is taken for a hash", name, text)
		}
		if PasswordMatches(text, "") {
			t.Errorf("%s: the empty password matches", name)
		}
	}
}

func FuzzPasswordHash(f *testing.F) {
	f.Add(hashOf + "AAAA")
	f.Add("$pbkdf2-sha256$i=600000$$$")
	f.Fuzz(func(t *testing.T, text string) {
		if h, ok := parsePassword(text); ok {
			if again, ok := parsePassword(h.String()); !ok || again.cost != h.cost || string(again.key) != string(h.key) {
				t.Errorf("%q does not come back whole", text)
			}
		}
	})
}
