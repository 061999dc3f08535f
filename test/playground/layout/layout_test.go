// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"path/filepath"
	"testing"
)

func TestKubebuilderAssetsProvideWhatTheyHold(t *testing.T) {
	root := Root("/src")
	t.Setenv("KUBEBUILDER_ASSETS", "/assets")
	for tool, want := range map[string]string{
		"etcd":                    "/assets/etcd",
		"kube-apiserver":          "/assets/kube-apiserver",
		"kubectl":                 "/assets/kubectl",
		"kube-controller-manager": "/src/bin/tools/kube-controller-manager",
	} {
		if got := root.Tool(tool); got != want {
			t.Errorf("%s is %s, want %s", tool, got, want)
		}
	}
	t.Setenv("KUBEBUILDER_ASSETS", "")
	if got, want := root.Tool("etcd"), "/src/bin/tools/etcd"; got != want {
		t.Errorf("etcd is %s, want %s", got, want)
	}
}

func TestTheSourceTreeCanBeNamed(t *testing.T) {
	directory := t.TempDir()
	t.Setenv("PLAYGROUND_ROOT", directory)
	root, err := Find()
	if err != nil || string(root) != directory || root.Run("log") != filepath.Join(directory, ".run", "log") {
		t.Errorf("got %s, %v", root, err)
	}
}
