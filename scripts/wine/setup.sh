#!/bin/bash
# To be sourced: a Wine for one run, in which the Windows programs of Go 1.26 work. Debian 12's
# Wine 8.0 lacks six things that they need; each cure stands below, with what happens without it.
#
#   wine_up [NAMESPACE]  a fresh copy of the prefix, with a Wine running in it. Its sockets belong to
#                        its server, and its view of the network to its services: both are in there
#   wine_start [NAMESPACE]  the same with the copy that there is, after `wineserver -k`
#   wine_down            ends it, and takes the copy away
#   wine_overlay         for `go test -overlay` and `go build -overlay`
#   wine_modfile         for `go build -modfile`: a program that believes it is a Windows service
#
# The prefix and the cures are made once, in portsitter-wine of the user's cache. No registry and no
# folder of the user's own Wine is touched.
wine_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
wine_cache=${XDG_CACHE_HOME:-$HOME/.cache}/portsitter-wine
export WINEDEBUG=-all WINEDLLOVERRIDES='winemenubuilder.exe=d;mscoree=d;mshtml=d'
unset DISPLAY WAYLAND_DISPLAY

wine_up() {
	local space=${1:-} name
	command -v wine >/dev/null || { echo "Wine is missing: apt-get install wine wine64" >&2; return 1; }
	mkdir -p "$wine_cache" && wine_base=$wine_cache/$(wine --version 2>/dev/null | tr -cs 'A-Za-z0-9.\n' -) || return 1
	(flock 9 && wine_make_base) 9>"$wine_cache/lock" || { echo "no Wine prefix in $wine_base" >&2; return 1; }
	WINEPREFIX=$(mktemp -d "$wine_cache/run-XXXXXX") || return 1
	export WINEPREFIX
	# Hard links cost no time and no space. What Wine writes in place must be a copy.
	cp -al "$wine_base/prefix/." "$WINEPREFIX" 2>/dev/null || cp -a "$wine_base/prefix/." "$WINEPREFIX" || return 1
	for name in "$wine_base"/prefix/*.reg; do cp --remove-destination "$name" "$WINEPREFIX" || return 1; done
	wine_start ${space:+"$space"}
}
# wine_start [NAMESPACE]: the server and the services of Windows. They come up here, with no pipe of
# a caller in their hands: else `go test` waits for them after its last test.
wine_start() {
	local inside=()
	[ $# = 0 ] || inside=(ip netns exec "$1")
	LD_PRELOAD=$wine_base/exactbind.so "${inside[@]}" wineserver -p </dev/null >/dev/null 2>&1 &&
		"${inside[@]}" wine cmd /c ver </dev/null >/dev/null 2>&1
}

wine_down() {
	[ -n "${WINEPREFIX:-}" ] || return 0
	wineserver -k 2>/dev/null
	wineserver -w 2>/dev/null
	case $WINEPREFIX in "$wine_cache"/run-*) rm -rf "$WINEPREFIX";; esac
	unset WINEPREFIX
}

wine_make_base() {
	find "$wine_cache" -maxdepth 1 -name 'run-*' -mmin +600 -exec rm -rf {} + # of runs that were killed
	[ -e "$wine_base/made" ] && return
	rm -rf "$wine_base" && mkdir -p "$wine_base" || return 1
	export WINEPREFIX=$wine_base/prefix
	wineboot -i </dev/null >/dev/null 2>&1
	wineserver -w
	[ -d "$WINEPREFIX/drive_c/windows/system32" ] || return 1
	find "$WINEPREFIX/drive_c/users" -type l -delete # Documents and the like, which lead into the user's home

	# 1. "fatal error: bcryptprimitives.dll not found", before main.
	(cd "$wine_here" && go run ./shim "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll") || return 1
	# 2. A UDP socket bound to 127.0.0.2 or to a second address of an interface answers from the first
	# one: the server binds it to 0.0.0.0 and the interface, so that it hears broadcasts. With no list
	# of interfaces in its hands it binds to the address that it was told.
	gcc -shared -fPIC -x c -o "$wine_base/exactbind.so" - <<-'C' || return 1
	#include <errno.h>
	#include <ifaddrs.h>
	int getifaddrs(struct ifaddrs **list) { *list = 0; errno = ENOSYS; return -1; }
	C
	touch "$wine_base/made"
}

# wine_overlay: three files of the standard library with a case more. They must not be called *.go, or
# `go vet ./...` finds them; a file is written only when it changes, so that what is built stays so.
wine_overlay() (
	exec 9>"$wine_cache/lock" && flock 9 || exit 1
	root=$(go env GOROOT) dir=$wine_cache/overlay-$(go env GOVERSION)
	mkdir -p "$dir" || exit 1
	# 3. Every UDP socket: "wsaioctl: winapi error #10045", WSAEOPNOTSUPP for SIO_UDP_NETRESET.
	wine_edit "$root/src/net/fd_windows.go" "$dir/net.txt" \
		's|^\t\terr = syscall.WSAIoctl(fd.pfd.Sysfd, windows.SIO_UDP_NETRESET, .*|&\n\t\tif err == syscall.Errno(10045) {\n\t\t\terr = nil\n\t\t}|' || exit 1
	# 4. Every os.RemoveAll: "unlinkat: Invalid function", STATUS_NOT_IMPLEMENTED.
	wine_edit "$root/src/internal/syscall/windows/at_windows.go" "$dir/at.txt" \
		's|^\tcase STATUS_INVALID_INFO_CLASS,|\tcase NTStatus(0xC0000002), STATUS_INVALID_INFO_CLASS,|' || exit 1
	# 5. One start of a process in some thousands, on a busy machine: "fork/exec ...: Internal error",
	# with nothing started. The next try succeeds.
	wine_edit "$root/src/syscall/exec_windows.go" "$dir/exec.txt" \
		's|^\t\t\(err = CreateProcess(.*\)|&\n\t\tfor try := 0; try < 5 \&\& err == Errno(1359); try++ {\n\t\t\t\1\n\t\t}|' || exit 1
	printf '{"Replace":{"%s":"%s","%s":"%s","%s":"%s"}}\n' "$root/src/net/fd_windows.go" "$dir/net.txt" \
		"$root/src/internal/syscall/windows/at_windows.go" "$dir/at.txt" "$root/src/syscall/exec_windows.go" "$dir/exec.txt" >"$dir/overlay.json"
	echo "$dir/overlay.json"
)
# wine_edit FROM TO SED
wine_edit() {
	sed "$3" "$1" >"$2.new" || return 1
	! cmp -s "$1" "$2.new" || { echo "$1 is not as it was in Go 1.26: mend scripts/wine/setup.sh" >&2; return 1; }
	if cmp -s "$2" "$2.new"; then rm "$2.new"; else mv "$2.new" "$2"; fi
}

# wine_modfile DIR: go.mod and go.sum in DIR, with golang.org/x/sys replaced by a copy.
# 6. svc.IsWindowsService is always false: it asks for session 0, and Wine has every process in
# session 1. Everything else of that question stays. (An overlay cannot replace files of a module.)
wine_modfile() (
	cd "$wine_here/../.." || exit 1
	from=$(go list -m -f '{{.Dir}}' golang.org/x/sys) && mkdir -p "$1" && cp -r "$from" "$1/xsys" || exit 1
	chmod -R u+w "$1/xsys"
	wine_edit "$from/windows/svc/security.go" "$1/xsys/windows/svc/security.go" \
		's|parentProcess.SessionID == 0 && strings|strings|' || exit 1
	cp go.mod "$1/wine.mod" && cp go.sum "$1/wine.sum" || exit 1
	go mod edit -replace "golang.org/x/sys=$1/xsys" "$1/wine.mod" && echo "$1/wine.mod"
)
