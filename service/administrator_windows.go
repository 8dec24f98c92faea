package service

// asAdministrator says how to run command with the rights of an administrator.
func asAdministrator(command string) string {
	return "`" + command + "`, in a terminal opened with \"Run as administrator\""
}
