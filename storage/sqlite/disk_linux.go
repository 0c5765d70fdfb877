package sqlite

import "syscall"

// networkTypes are the file systems on which locks of SQLite do not hold
// (magic numbers of statfs(2)).
func networkTypes() map[int64]string {
	return map[int64]string{0x6969: "NFS", 0x517B: "SMB", 0xFF534D42: "CIFS", 0xFE534D42: "SMB", 0x73757245: "Coda", 0x5346414F: "AFS", 0x00C36400: "Ceph"}
}

func networkFS(dir string) (name string, network bool) {
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil {
		return "", false
	}
	name, network = networkTypes()[int64(uint32(st.Type))]
	return name, network
}
