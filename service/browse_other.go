//go:build !windows

package service

import (
	"os"
	"os/exec"
)

// browse opens url in the browser of the desktop that this process belongs to. Over SSH there is
// none, and a browser is never started as root.
func browse(url string) error {
	desktop := os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
	if !desktop || os.Getenv("SSH_CONNECTION") != "" || os.Geteuid() == 0 {
		return errNoBrowser
	}
	if err := exec.Command("xdg-open", url).Run(); err != nil {
		return errNoBrowser
	}
	return nil
}
