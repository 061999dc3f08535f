// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package layout says where the playground keeps what: everything it makes is under .run, so that
// removing that directory removes every trace.
package layout

import (
	"fmt"
	"os"
	"path/filepath"
)

// Root is the top directory of the source tree.
type Root string

// Socket is where the supervisor listens, relative to the root: the full path may be longer than a
// Unix socket's address can be.
const Socket = ".run/playground.sock"

// Find returns the source tree that the running program was built in (bin/playground), or the one
// that the environment variable PLAYGROUND_ROOT names.
func Find() (Root, error) {
	if root := os.Getenv("PLAYGROUND_ROOT"); root != "" {
		root, err := filepath.Abs(root)
		return Root(root), err
	}
	program, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the source tree: %w", err)
	}
	if program, err = filepath.EvalSymlinks(program); err != nil {
		return "", fmt.Errorf("find the source tree: %w", err)
	}
	root := filepath.Dir(filepath.Dir(program))
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		return "", fmt.Errorf("%s is not in the bin directory of a source tree; set PLAYGROUND_ROOT to one", program)
	}
	return Root(root), nil
}

// Path returns a path in the source tree.
func (r Root) Path(elements ...string) string {
	return filepath.Join(append([]string{string(r)}, elements...)...)
}

// Run returns a path in the directory of all that the playground makes.
func (r Root) Run(elements ...string) string {
	return r.Path(append([]string{".run"}, elements...)...)
}

// Program returns the path of one of this project's programs. The directory that PLAYGROUND_PROGRAMS names takes precedence for
// those that it holds.
func (r Root) Program(name string) string {
	if programs := os.Getenv("PLAYGROUND_PROGRAMS"); programs != "" {
		if path := filepath.Join(programs, name); isFile(path) {
			return path
		}
	}
	return r.Path("bin", name)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// Tool returns the path of a program of another project. KUBEBUILDER_ASSETS takes precedence for those
// that such a directory holds.
func (r Root) Tool(name string) string {
	if assets := os.Getenv("KUBEBUILDER_ASSETS"); assets != "" {
		switch name {
		case "etcd", "kube-apiserver", "kubectl":
			return filepath.Join(assets, name)
		}
	}
	return r.Path("bin", "tools", name)
}

// Kubeconfig returns the path of the kubeconfig for a person: of a cluster's admin or of the tenant.
func (r Root) Kubeconfig(name string) string {
	return r.Run(name + ".kubeconfig")
}

// Log returns the path of a process's log.
func (r Root) Log(cluster, process string) string {
	return r.Run("log", cluster+"-"+process+".log")
}
