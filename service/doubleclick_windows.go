package service

import (
	"context"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"github.com/portsitter/portsitter/service/system"
	"golang.org/x/sys/windows"
)

// doubleClicked answers a double click on portsitter.exe: the page when the service runs, a question
// otherwise. done is false when this is a call from a terminal. The program is a console program,
// because its verbs are for terminals; the console that Windows makes for a double click is closed
// at once, and a service has none.
func (a *app) doubleClicked(args []string) (done bool, code int) {
	if len(args) > 0 || !ownConsole() {
		return false, 0
	}
	freeConsole.Call()
	if err := a.clicked(context.Background()); err != nil {
		box(err.Error(), windows.MB_OK|windows.MB_ICONERROR)
		return true, exitNot
	}
	return true, exitOK
}

var (
	kernel32              = windows.NewLazySystemDLL("kernel32.dll")
	getConsoleProcessList = kernel32.NewProc("GetConsoleProcessList")
	freeConsole           = kernel32.NewProc("FreeConsole")
)

// ownConsole says whether this process is alone in its console: then no shell has started it. In
// session 0, where services and scheduled tasks are, nobody would see a question and answer it.
func ownConsole() bool {
	var session uint32
	if err := windows.ProcessIdToSessionId(windows.GetCurrentProcessId(), &session); err != nil || session == 0 {
		return false
	}
	if is, _ := terminal(os.Stdout); !is || getConsoleProcessList.Find() != nil {
		return false
	}
	var ids [2]uint32
	n, _, _ := getConsoleProcessList.Call(uintptr(unsafe.Pointer(&ids[0])), uintptr(len(ids)))
	return n == 1
}

func (a *app) clicked(ctx context.Context) error {
	page, err := a.page()
	if err != nil {
		return err
	}
	if _, err := askStatus(ctx, page); err == nil {
		return browse(pageAddress(page))
	}
	s, err := a.manager().Look(ctx)
	if err != nil {
		return err
	}
	if s.Origin == system.Stranger {
		return fail(exitNot, "There is a service of this name that Portsitter has not made: it runs %s.", orElse(s.Program, "something unknown"))
	}
	if s.State == system.Running || s.State == system.Starting {
		return fail(exitNot, "Portsitter runs, but nobody answers at %s. In a terminal: portsitter status", pageAddress(page))
	}
	question, verb := "Portsitter is installed but does not run. Start it now?", "start"
	if s.State == system.Absent {
		question = "Portsitter keeps a port of this PC open on your router, so that others can join the game you host.\n\n" +
			"Install it? It then starts with Windows, and you can forget about it. To take it away again: portsitter uninstall"
		verb = "install"
	}
	if box(question, windows.MB_YESNO|windows.MB_ICONQUESTION) != idYes {
		return nil
	}
	own, err := os.Executable()
	if err != nil {
		return err
	}
	if err := shellExecute("runas", own, verb, windows.SW_HIDE); err != nil {
		return fail(exitNot, "Windows was not allowed to do it (%w). In a terminal opened with \"Run as administrator\": portsitter %s", err, verb)
	}
	return a.openWhenUp(ctx, verb)
}

const idYes = 6 // what MessageBox returns for the button Yes

// openWhenUp waits for the page of the service that an administrator is just starting.
func (a *app) openWhenUp(ctx context.Context, verb string) error {
	const (
		atMost = time.Minute
		every  = 500 * time.Millisecond
	)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for deadline := time.Now().Add(atMost); time.Now().Before(deadline); <-tick.C {
		page, err := a.page() // once it is installed, the service's settings tell
		if err != nil {
			continue
		}
		if _, err := askStatus(ctx, page); err == nil {
			return browse(pageAddress(page))
		}
	}
	return fail(exitNot, "Portsitter did not come up within a minute. To see why, in a terminal opened with \"Run as administrator\": portsitter %s", verb)
}

// box shows a message; nobody may be there to see an error of it.
func box(text string, kind uint32) int32 {
	t, err := windows.UTF16PtrFromString(text)
	if err != nil {
		return 0
	}
	title, err := windows.UTF16PtrFromString("Portsitter")
	if err != nil {
		return 0
	}
	button, err := windows.MessageBox(0, t, title, kind|windows.MB_SETFOREGROUND)
	if err != nil {
		return 0
	}
	return button
}

func pageAddress(page netip.AddrPort) string { return "http://" + page.String() + "/" }
