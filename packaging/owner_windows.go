package packaging

// ShareOwner does nothing: files have the rights of their folder, which are the service's
// too (folderRights).
func ShareOwner(string, ...string) error { return nil }
