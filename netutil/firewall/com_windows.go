package firewall

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/go-ole/go-ole"
	"github.com/go-ole/go-ole/oleutil"
)

// onCOM runs f on a thread of its own that speaks COM, and waits for it until ctx ends: a call into
// another process cannot be called off.
func onCOM(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		const alreadyDone = 1 // S_FALSE
		if err := ole.CoInitializeEx(0, ole.COINIT_APARTMENTTHREADED); err != nil {
			var e *ole.OleError
			if !errors.As(err, &e) || e.Code() != alreadyDone {
				done <- answered("CoInitializeEx", err)
				return
			}
		}
		defer ole.CoUninitialize()
		done <- f()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the Windows Firewall takes too long to answer: %w", ctx.Err())
	}
}

// object is a COM object that answers to names. Close it.
type object struct{ *ole.IDispatch }

// newObject makes an object by its name in the registry.
func newObject(name string) (object, error) {
	unknown, err := oleutil.CreateObject(name)
	if err != nil {
		return object{}, answered(name, err)
	}
	defer unknown.Release()
	d, err := unknown.QueryInterface(ole.IID_IDispatch)
	if err != nil {
		return object{}, answered(name, err)
	}
	return object{d}, nil
}

func (o object) close() { o.Release() }

// get reads a property; args are those of a property with an index.
func (o object) get(name string, args ...any) (any, error) {
	v, err := o.GetProperty(name, args...)
	if err != nil {
		return nil, answered(name, err)
	}
	defer v.Clear()
	return v.Value(), nil
}

// text, number and truth read a property of that type; one that is not there or not told is the zero
// value, and failed remembers why.
func (o object) text(name string, failed *error, args ...any) string {
	v, err := o.get(name, args...)
	note(failed, err)
	s, _ := v.(string)
	return s
}

func (o object) number(name string, failed *error, args ...any) int32 {
	v, err := o.get(name, args...)
	note(failed, err)
	n, ok := v.(int32)
	if err == nil && !ok {
		note(failed, fmt.Errorf("%s is no number", name))
	}
	return n
}

func (o object) truth(name string, failed *error, args ...any) bool {
	v, err := o.get(name, args...)
	note(failed, err)
	b, ok := v.(bool)
	if err == nil && !ok {
		note(failed, fmt.Errorf("%s is neither true nor false", name))
	}
	return b
}

func note(failed *error, err error) {
	if failed != nil && *failed == nil {
		*failed = err
	}
}

// child is a property that is an object itself.
func (o object) child(name string) (object, error) {
	v, err := o.GetProperty(name)
	if err != nil {
		return object{}, answered(name, err)
	}
	d := v.ToIDispatch()
	if d == nil {
		v.Clear()
		return object{}, fmt.Errorf("%s is no object", name)
	}
	return object{d}, nil // the variant's reference is ours now
}

func (o object) put(name string, value any) error {
	v, err := o.PutProperty(name, value)
	if err != nil {
		return answered(fmt.Sprintf("%s = %v", name, value), err)
	}
	return v.Clear()
}

func (o object) call(name string, args ...any) error {
	v, err := o.CallMethod(name, args...)
	if err != nil {
		return answered(name, err)
	}
	return v.Clear()
}

// each hands out the objects of a collection, one after the other.
func (o object) each(do func(object) error) error {
	err := oleutil.ForEach(o.IDispatch, func(v *ole.VARIANT) error {
		defer v.Clear()
		if d := v.ToIDispatch(); d != nil {
			return do(object{d})
		}
		unknown := v.ToIUnknown()
		if unknown == nil {
			return nil
		}
		d, err := unknown.QueryInterface(ole.IID_IDispatch)
		if err != nil {
			return err
		}
		defer d.Release()
		return do(object{d})
	})
	if errors.As(err, new(*ole.OleError)) {
		return answered("_NewEnum", err)
	}
	return err
}

// accessDenied is E_ACCESSDENIED.
const accessDenied = 0x80070005

// answered says what name has answered instead of doing as asked: ErrNotPermitted for E_ACCESSDENIED,
// else the HRESULT as Microsoft writes it. Either comes by itself or inside of an exception.
func answered(name string, err error) error {
	var e *ole.OleError
	if !errors.As(err, &e) {
		return fmt.Errorf("%s: %w", name, err)
	}
	code := uint32(e.Code())
	var inside ole.EXCEPINFO
	if errors.As(e.SubError(), &inside) && inside.SCODE() != 0 {
		code = inside.SCODE()
	}
	if code == accessDenied {
		return fmt.Errorf("%s: %w", name, ErrNotPermitted)
	}
	return comError{name, code}
}

// comWithin bounds one talk with the firewall's service.
const comWithin = 10 * time.Second
