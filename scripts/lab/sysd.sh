#!/bin/bash
# A PC with a real systemd on the LAN of a running lab: Debian as pid 1 of a container, in the
# network namespace lan. Nothing of it is registered with the host's own systemd.
#
#  sysd.sh up            boot from a fresh disk; makes the disk's image once (a minute, 250 MB)
#  sysd.sh x cmd...      run a command in there
#  sysd.sh reboot        as `reboot` in there does, until it is up again
#  sysd.sh down          power off, and throw the disk away
#  sysd.sh disk          where its disk is to be seen on the host
#
# NSP, LAB_RUN  as for lab.sh
# TOOLS         where the image is kept (default: portsitter-tools in the user's cache)
set -u
NSP=${NSP:-lab}
RUN=${LAB_RUN:-${TMPDIR:-/tmp}/portsitter-$NSP}-pc # not with the lab's: it would outlive a lab that a killed test has left
TOOLS=${TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/portsitter-tools}
PATH=$PATH:/usr/sbin:/sbin
SUITE=bookworm
IMAGE=$TOOLS/debian-$SUITE
PC=$NSP-pc
WITHIN=200 # of 0.1 s, for what should take one or two

die() { echo "sysd.sh: $*" >&2; exit 1; }
# ours <pid>: it is the container's nspawn, or the loop around it. A pid file may be older than the
# process that has its number now.
ours() { tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -q "sysd.sh boot $PC"; }
loop() { local p; p=$(cat "$RUN/sysd.pid" 2>/dev/null) && ours "$p" && echo "$p"; }
# leader: the container's pid 1, as the host counts
leader() { local l n; l=$(loop) && n=$(pgrep -P "$l" -f systemd-nspawn) && pgrep -P "$n" | head -1; }
inside() {
	local l; l=$(leader); [ -n "$l" ] || { echo "sysd.sh: the PC is off" >&2; return 1; }
	nsenter -t "$l" -m -u -i -n -p -- /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		TERM=dumb SYSTEMD_PAGER=cat LANG=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive "$@"
}
# await cmd...: until it says yes
await() { local i; for ((i = 0; i < WITHIN; i++)); do "$@" && return 0; sleep .1; done; return 1; }
booted() { case $(inside systemctl is-system-running 2>/dev/null) in running|degraded) ;; *) return 1;; esac; }
another() { local l; l=$(leader); [ -n "$l" ] && [ "$l" != "$1" ]; }
ended() { [ -z "$(loop)" ]; }

# image: made by the first of those who want it at the same time
image() (
	mkdir -p "$TOOLS"
	exec 9>"$IMAGE.lock" && flock 9
	[ ! -e "$IMAGE/done" ] || exit 0
	rm -rf "$IMAGE.new"
	debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,iproute2,procps "$SUITE" "$IMAGE.new/root" >"$TOOLS/debootstrap.log" 2>&1 ||
		die "debootstrap: $(tail -1 "$TOOLS/debootstrap.log")"
	rm -rf "$IMAGE.new/root/var/cache/apt/archives/"*.deb "$IMAGE.new/root/etc/resolv.conf"
	touch "$IMAGE.new/done" && mv "$IMAGE.new" "$IMAGE"
)
cgroups() { local d; for d in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do [ ! -w "$d/cgroup.procs" ] || echo "$d/portsitter-$PC"; done; }

# boot <pc>: what runs while the PC is on, reboots included
boot() {
	local d
	# A control group of its own: with --keep-unit nspawn takes the one it is started in.
	for d in $(cgroups); do mkdir -p "$d" && echo $$ >"$d/cgroup.procs"; done
	while :; do
		setsid -w systemd-nspawn -q -D "$RUN/disk/root" -M "$1" --register=no --keep-unit --console=pipe \
			--network-namespace-path="/run/netns/$NSP-lan" --resolv-conf=off --timezone=off --link-journal=no -b
		[ $? = 133 ] || break # it was rebooted, not switched off
	done
}
up() {
	[ -e "/run/netns/$NSP-lan" ] || die "no network namespace $NSP-lan: lab.sh up first"
	down; image || exit 1
	mkdir -p "$RUN/disk"/{root,upper,work}
	mount -t overlay -o "lowerdir=$IMAGE/root,upperdir=$RUN/disk/upper,workdir=$RUN/disk/work" "$PC" "$RUN/disk/root" || die "no disk"
	"$0" boot "$PC" >"$RUN/sysd.log" 2>&1 </dev/null &
	echo $! >"$RUN/sysd.pid"
	{ await another none && await booted; } || die "it does not boot: $(tail -3 "$RUN/sysd.log")"
}
reboot() {
	local old; old=$(leader)
	[ -n "$old" ] || die "the PC is off"
	inside systemctl reboot
	{ await another "$old" && await booted; } || die "it does not come back: $(tail -3 "$RUN/sysd.log")"
}
down() {
	local l d; l=$(leader)
	if [ -n "$l" ]; then
		kill -s RTMIN+4 "$l" # systemd: power off
		await ended || kill -KILL "$l"
	fi
	l=$(loop); [ -z "$l" ] || { kill -TERM -- "$l"; await ended; }
	mountpoint -q "$RUN/disk/root" && umount "$RUN/disk/root"
	rm -rf "$RUN/disk/upper" "$RUN/disk/work" "$RUN/sysd.pid" "$RUN/sysd.log"
	rmdir "$RUN/disk/root" "$RUN/disk" "$RUN" 2>/dev/null
	for d in $(cgroups); do [ ! -d "$d" ] || find "$d" -depth -type d -exec rmdir {} + 2>/dev/null; done
	return 0
}

verb=${1:-help}; [ $# -eq 0 ] || shift
case $verb in
up|down|reboot) "$verb";;
boot) boot "$1";;
x) inside "$@";;
disk) echo "$RUN/disk/root";;
*) sed -n '2,/^set -u/{/^set/!s/^# \{0,1\}//p}' "$0";;
esac
