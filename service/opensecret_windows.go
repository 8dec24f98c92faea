package service

import (
	"path/filepath"
	"strings"
)

// readableByAll says whether every user of this PC can read the file at path: so `install` makes the
// folder of the service, but for some folders in it. A person's own folders are nobody else's.
func (a *app) readableByAll(path string) bool {
	h, err := a.systemHome()
	if err != nil {
		return false
	}
	inside := func(folder string) bool {
		return folder != "" && strings.HasPrefix(strings.ToLower(path), strings.ToLower(folder)+`\`)
	}
	return inside(filepath.Dir(h.settings)) && !inside(h.secrets) && !inside(h.state)
}
