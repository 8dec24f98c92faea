package system

// Folder is what a folder of the service is for, and so who gets at it. Administrators and the system
// always do.
type Folder string

// The folders.
const (
	SettingsFolder Folder = "settings" // everybody may read; the service, too, and cannot change its own orders
	LogsFolder     Folder = "logs"     // the service writes, everybody may read
	StateFolder    Folder = "state"    // for the service alone
	SecretsFolder  Folder = "secrets"  // the service may read, nobody else
)

// MakeFolder makes a folder for the service where that is on us, or takes over one that is there if
// its owner can be trusted: a folder that another user has put there in advance would let that user
// in. Under systemd it does nothing: systemd makes them, with the right owner.
func MakeFolder(path string, kind Folder) error { return makeFolder(path, kind) }
