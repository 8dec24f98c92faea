package portowner

import (
	"strings"
	"unicode"
)

// maxName bounds how much of a process's name is shown, in characters.
const maxName = 64

// knownEmulator reports whether a process of this name is an emulator, or a client for one, that
// hosts Kaillera P2P games. It is a list of names because nothing else tells them apart; a missing
// one only means that hosting on a wrong port goes unnoticed.
func knownEmulator(process string) bool {
	name := strings.TrimSuffix(strings.ToLower(process), ".exe")
	switch name {
	case "rmg", "rmg-k", // Rosalie's Mupen GUI and its netplay builds (n02-rmg)
		"mupen64k", "1964", "1964k", // older Nintendo 64 emulators with a Kaillera plugin
		"n02", "n02p2p", "kaillera", "kailleraclient", "ownaclient", "iroc", "a02", // clients by themselves
		"p2pkaillera", "p2pkaillera-gcw0",
		"nestopia", "jnes", "gens", "winkawaks", "kawaks", "fba", "fbak", "fbalpha":
		return true
	}
	for _, family := range [...]string{
		"project64", // Project64KSE, Project64k, Project64KVE, Project64KillerOP
		"mame32",    // MAME32k, MAME32++
		"snes9x",    // also as snes9xk, snes9x-x64, snes9x-gtk
		"fbneo",     // also as fbneo64
	} {
		if strings.HasPrefix(name, family) {
			return true
		}
	}
	return false
}

// clean makes a process's name fit to be shown: any local user can put control characters into one.
func clean(name string) string {
	var b strings.Builder
	n := 0
	for _, r := range name {
		if n == maxName {
			break
		}
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			b.WriteRune(r)
			n++
		}
	}
	return strings.TrimSpace(b.String())
}

// fullName completes comm, which Linux cuts after 15 bytes, by the program's own first argument,
// where that begins with it. Programs under Wine have a Windows path there.
func fullName(comm, arg0 string) string {
	const cut = 15
	base := arg0[strings.LastIndexAny(arg0, `/\`)+1:]
	if len(comm) == cut && strings.HasPrefix(base, comm) {
		return base
	}
	return comm
}
