package service

import (
	"fmt"

	"github.com/portsitter/portsitter/configs"
)

// openSecret says which file holds a secret of the settings at path and can be read by every user of
// this PC, and where the secret belongs; "" when there is none.
func (a *app) openSecret(s configs.Settings, path string) string {
	for _, w := range s.Notify.Webhooks {
		file := w.URLFile
		if w.URL != "" {
			file = path
		}
		if file == "" || !a.readableByAll(file) {
			continue
		}
		remedy := fmt.Sprintf("let nobody else read it (`chmod 600 %s`)", quoted(file))
		if h, err := a.systemHome(); err == nil && path == h.settings { // the service has to read it, and has an account of its own
			remedy = "put it into a file that only the service can read, and the name of that into url_file (README, “As a service”)"
		}
		return fmt.Sprintf("every user of this PC can read %s, and the address of a webhook in it is a secret: %s", file, remedy)
	}
	return ""
}
