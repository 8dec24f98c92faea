package service

import (
	"io"
	"os"
	"path/filepath"

	"github.com/portsitter/portsitter/configs"
)

// lastGoodName is the file in the state folder with the settings that the service took over last. A
// mistake in the settings file, made while it ran, must not keep the port shut after the next start
// of the PC, when nobody is looking.
const lastGoodName = "settings.last-good.toml"

// keepLastGood remembers the settings file at path, which has just been read. Whatever keeps it from
// being remembered is no reason to do anything else differently.
func keepLastGood(dir, path string) {
	file := filepath.Join(dir, lastGoodName)
	if path == "" { // the defaults hold
		os.Remove(file)
		return
	}
	text, err := readSettings(path)
	if err != nil {
		return
	}
	if _, err := configs.Parse(path, text); err != nil { // changed meanwhile
		return
	}
	_ = replaceFile(file, text)
}

// lastGood reads what keepLastGood has remembered.
func lastGood(dir string) (configs.Settings, error) {
	file := filepath.Join(dir, lastGoodName)
	text, err := readSettings(file)
	if err != nil {
		return configs.Settings{}, err
	}
	return configs.Parse(file, text)
}

func readSettings(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, configs.MaxSize+1)) // Parse refuses what is longer
}
