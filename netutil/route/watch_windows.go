package route

import (
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
)

// subscription is what the system gives back to the callback. It is pinned while the system has it.
type subscription struct{ events chan struct{} }

// onChange is the one callback of this process: the system's slots for callbacks are few and never
// come back. It is called on a thread of the system's, so it only leaves a note. It must not cancel
// a notification: cancelling waits for callbacks to end.
var onChange = sync.OnceValue(func() uintptr {
	return windows.NewCallback(func(s *subscription, row, kind uintptr) uintptr {
		select {
		case s.events <- struct{}{}:
		default: // one is waiting already
		}
		return 0
	})
})

// subscribe listens for changes of IPv4 routes and addresses; an interface that goes down loses its
// routes. The channel has room for one event. stop ends it and waits for callbacks on their way.
func subscribe() (events <-chan struct{}, stop func(), err error) {
	if err := have("NotifyRouteChange2", "NotifyUnicastIpAddressChange", "CancelMibChangeNotify2"); err != nil {
		return nil, nil, err
	}
	s := &subscription{events: make(chan struct{}, 1)}
	pin := new(runtime.Pinner)
	pin.Pin(s)
	handles := make([]windows.Handle, 0, 2)
	stop = func() {
		for _, h := range handles {
			_ = windows.CancelMibChangeNotify2(h) // fails only for a handle that is not one
		}
		pin.Unpin()
	}
	for name, notify := range map[string]func(uint16, uintptr, unsafe.Pointer, bool, *windows.Handle) error{
		"NotifyRouteChange2":           windows.NotifyRouteChange2,
		"NotifyUnicastIpAddressChange": windows.NotifyUnicastIpAddressChange,
	} {
		var h windows.Handle
		if err := notify(windows.AF_INET, onChange(), unsafe.Pointer(s), false, &h); err != nil {
			stop()
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		handles = append(handles, h)
	}
	return s.events, stop, nil
}
