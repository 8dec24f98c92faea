package daemon

import (
	"errors"
	"time"

	"github.com/portsitter/portsitter/netutil/portmap"
)

// The numbers of the loop that are not settings. Who they spare: the router, other people's
// servers, the user's patience.
const (
	epochEvery        = 20 * time.Second // PCP, NAT-PMP: epoch and outer address in one request
	secondLook        = 10 * time.Second // some firmware drops an entry seconds after granting it
	searchAtMostEvery = 2 * time.Second
	searchWindow      = 3 * time.Second        // a router that UPnP finds later than this is a slow one
	soapApart         = 200 * time.Millisecond // between two UPnP requests; some routers break when hurried
	startsWithin      = 15 * time.Minute       // a router that fell silent is expected back
	awayWithin        = 24 * time.Hour         // and may still come back: no power in the street, a new box
	saveAgain         = time.Minute            // after a write to disk that failed
	recordEvery       = 10 * time.Minute       // how often state.json is written when only times move on
	shortestLease     = time.Minute            // what a read-back tells below is not believed
	missingAgain      = 10 * time.Minute       // when to see whether a protocol that is gone has come back
	hurryApart        = 10 * time.Second       // between two network changes that end the pauses after refusals
	hintApart         = time.Second            // between two looks that announcements ask for
	requestTimeout    = 5 * time.Second
	samePort          = 1500 * time.Millisecond // three tries more at a port that has just left four without an answer
	stopWithin        = 3 * time.Second
	disputeEvery      = 10 * time.Minute // two sources tell different addresses: ask again
	ownerEvery        = time.Minute      // who holds the port: five milliseconds of work
	firewallEvery     = 10 * time.Minute // what this PC's firewall does with the port
	firewallApart     = 30 * time.Second
	checkCoolDown     = 30 * time.Second
	checkEvery        = 10 * time.Minute          // checks that nobody asked for
	checksADay        = 4                         // of those
	checkAgain        = 24 * time.Hour            // a check that passed is made again after this time
	checkFailed       = 6 * time.Hour             // one that did not: whatever it was may be over
	leaseGrace        = recordEvery + time.Minute // routers may keep an entry for a moment longer than its lease, and our record of it may be old
	standInTries      = 3
	checkApart        = 2 * time.Second
	mostBusy          = 15 * time.Second        // how long a busy checker is waited for
	standInTime       = 2800 * time.Millisecond // an emulator that starts meanwhile has its port within 3 s
	lookTwiceApart    = 300 * time.Millisecond
	backEvery         = 10 * time.Minute // blind tries to move back to the configured port
	repairEvery       = 10 * time.Minute
	freshLook         = 2 * time.Second // how old a read-back may be that a mapping request relies on
	settlesIn         = time.Minute     // what people are told about has to stay so for this long
	newsTogether      = 10 * time.Second
	newsAnHour        = 10
	newsAgain         = 10 * time.Minute // doubling: receivers that could not be reached
)

// waylessPause is how long to sleep while there is no way out: reading the system's routes costs next to
// nothing, and not every system tells when they come.
func waylessPause(since time.Duration) time.Duration {
	if since < 10*time.Minute {
		return 5 * time.Second
	}
	return 15 * time.Second
}

// searchPause is how long to wait after the n-th search in a row that found nobody. A router that
// has answered not long ago is most likely starting: it is not left alone for long.
func searchPause(n int, silent time.Duration) time.Duration {
	switch {
	case silent < startsWithin:
		return doubling(5*time.Second, n, 15*time.Second)
	case silent < awayWithin:
		return doubling(5*time.Second, n, 4*time.Minute) // and it is knocked at
	}
	return doubling(5*time.Second, n, 5*time.Minute)
}

// refusalPause is how long a protocol is left alone after its n-th no in a row.
func refusalPause(err error, n int) time.Duration {
	var no *portmap.Refusal
	switch {
	case errors.As(err, &no):
		return max(doubling(30*time.Second, n, 10*time.Minute), min(no.Retry, time.Hour))
	case errors.As(err, new(otherPortError)):
		return 10 * time.Minute // asking means mapping and giving back: a router's table is no toy
	case isOurs(err):
		return doubling(30*time.Second, n, 10*time.Minute)
	}
	return doubling(5*time.Second, n, 5*time.Minute) // nobody answered
}

// publicPause is how long to wait before asking for the public address again.
func publicPause(err error, failures int, every time.Duration) time.Duration {
	if err == nil {
		return every
	}
	return min(doubling(time.Minute, failures, time.Hour), every)
}

// doubling is base, 2·base, 4·base, ... for n = 1, 2, 3, ..., never more than most.
func doubling(base time.Duration, n int, most time.Duration) time.Duration {
	if n > 20 {
		return most
	}
	return min(base<<max(n-1, 0), most)
}
