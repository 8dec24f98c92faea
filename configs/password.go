package configs

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// The password of the page stands in the settings as a PHC string, so that each one carries its own
// cost and salt: $pbkdf2-sha256$i=600000$SALT$KEY, both in base64 without padding.
// https://github.com/P-H-C/phc-string-format

const (
	passwordPrefix = "$pbkdf2-sha256$i="
	// passwordCost is what OWASP's Password Storage Cheat Sheet asks of PBKDF2-HMAC-SHA256.
	passwordCost = 600_000
	saltSize     = 16
	keySize      = sha256.Size
	// Below the first a stolen file is soon guessed, above the second a login takes seconds.
	minPasswordCost, maxPasswordCost = 10_000, 10_000_000
	minSaltSize, maxSaltSize         = 8, 64
)

// The bounds of a password, in bytes.
const (
	MinPassword = 8
	MaxPassword = 256
)

// HashPassword makes the line of the settings for a password, with a salt of its own. The error says
// what is wrong with the password.
func HashPassword(password string) (string, error) {
	switch {
	case len(password) < MinPassword:
		return "", fmt.Errorf("a password has at least %d characters, and this one has fewer", MinPassword)
	case len(password) > MaxPassword:
		return "", fmt.Errorf("a password has at most %d bytes, and this one has more", MaxPassword)
	}
	return hashPassword(password, passwordCost)
}

func hashPassword(password string, cost int) (string, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails
	key, err := pbkdf2.Key(sha256.New, password, salt, cost, keySize)
	if err != nil {
		return "", fmt.Errorf("the password could not be hashed: %w", err)
	}
	return hashedPassword{cost, salt, key}.String(), nil
}

// PasswordMatches reports whether password is the one that hash was made of. It takes a good part of
// a second on purpose. A hash that is none matches nothing.
func PasswordMatches(hash, password string) bool {
	h, ok := parsePassword(hash)
	if !ok || len(password) > MaxPassword {
		return false
	}
	key, err := pbkdf2.Key(sha256.New, password, h.salt, h.cost, len(h.key))
	return err == nil && subtle.ConstantTimeCompare(key, h.key) == 1
}

// hashedPassword is what such a string holds.
type hashedPassword struct {
	cost      int // iterations
	salt, key []byte
}

func (h hashedPassword) String() string {
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("%s%d$%s$%s", passwordPrefix, h.cost, text(h.salt), text(h.key))
}

func parsePassword(text string) (h hashedPassword, ok bool) {
	const longest = 256
	rest, found := strings.CutPrefix(text, passwordPrefix)
	parts := strings.Split(rest, "$")
	if !found || len(text) > longest || len(parts) != 3 {
		return h, false
	}
	var errs [3]error
	h.cost, errs[0] = strconv.Atoi(parts[0])
	h.salt, errs[1] = base64.RawStdEncoding.Strict().DecodeString(parts[1])
	h.key, errs[2] = base64.RawStdEncoding.Strict().DecodeString(parts[2])
	ok = errs == [3]error{} && h.cost >= minPasswordCost && h.cost <= maxPasswordCost &&
		len(h.salt) >= minSaltSize && len(h.salt) <= maxSaltSize && len(h.key) == keySize
	return h, ok
}
