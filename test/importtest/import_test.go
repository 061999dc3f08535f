// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package importtest makes sure that programs of others can use the API's types and clients without its server.
package importtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module   = "github.com/ramendr/dr-apiserver"
	external = "example.com/external"
)

// forbidden are the modules that only the server, the agents and the tests need, and what of this module is not for others.
var forbidden = []string{
	"k8s.io/apiserver", "k8s.io/component-base", "k8s.io/kubernetes", "k8s.io/cli-runtime", "k8s.io/kubectl",
	"sigs.k8s.io/controller-runtime", "sigs.k8s.io/apiserver-network-proxy",
	"go.etcd.io", "google.golang.org/grpc", "go.opentelemetry.io", "github.com/google/cel-go", "go.uber.org/zap",
	"github.com/prometheus", "github.com/minio", "github.com/csi-addons", "github.com/container-storage-interface", "github.com/spf13/cobra",
	module + "/pkg/registry", module + "/pkg/apiserver", module + "/pkg/controllers", module + "/pkg/agent", module + "/pkg/action",
	module + "/pkg/objectstore", module + "/pkg/generated/openapi", module + "/cmd",
}

// imports is what an external program may import.
const imports = `package external

import (
	_ "` + module + `/pkg/apis/dr/v1alpha1"
	_ "` + module + `/pkg/generated/applyconfiguration"
	_ "` + module + `/pkg/generated/applyconfiguration/dr/v1alpha1"
	_ "` + module + `/pkg/generated/clientset/versioned"
	_ "` + module + `/pkg/generated/clientset/versioned/fake"
	_ "` + module + `/pkg/generated/informers/externalversions"
	_ "` + module + `/pkg/generated/listers/dr/v1alpha1"
)
`

func TestAnExternalModuleGetsTheClientsWithoutTheServer(t *testing.T) {
	directory := newModule(t)
	write(t, filepath.Join(directory, "external.go"), imports)
	all := dependencies(t, directory)
	for _, found := range all.forbidden() {
		t.Error(found)
	}
	t.Logf("types and clients come with %d packages of %d modules", len(all.packages), all.modules())
}

func TestTheExamplesBuildInAModuleOfTheirOwn(t *testing.T) {
	examples, err := filepath.Glob(filepath.Join(root(t), "examples", "*"))
	if err != nil || len(examples) == 0 {
		t.Fatalf("there are no examples: %v", err)
	}
	directory := newModule(t)
	for _, example := range examples {
		if err := os.CopyFS(filepath.Join(directory, filepath.Base(example)), os.DirFS(example)); err != nil {
			t.Fatal(err)
		}
	}
	all := dependencies(t, directory)
	for _, found := range all.forbidden() {
		t.Error(found)
	}
	run(t, directory, "go", "vet", "./...")
}

// newModule makes a module that requires this one, as it is here, and nothing else. Its go.sum is this module's: what others
// would download is there already.
func newModule(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	version := strings.TrimSpace(run(t, root(t), "go", "list", "-m", "-f", "{{.GoVersion}}"))
	write(t, filepath.Join(directory, "go.mod"), fmt.Sprintf("module %s\n\ngo %s\n\nrequire %s v0.0.0\n\nreplace %s => %s\n",
		external, version, module, module, root(t)))
	sums, err := os.ReadFile(filepath.Join(root(t), "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(directory, "go.sum"), string(sums))
	return directory
}

// graph is who imports whom.
type graph struct {
	packages map[string]goPackage
	// importer of each package: the one through which it is reached over the fewest others.
	importer map[string]string
}

type goPackage struct {
	ImportPath string
	Imports    []string
	Module     *struct{ Path string }
}

func dependencies(t *testing.T, directory string) graph {
	t.Helper()
	g := graph{packages: map[string]goPackage{}, importer: map[string]string{}}
	decoder := json.NewDecoder(strings.NewReader(run(t, directory, "go", "list", "-deps", "-json=ImportPath,Imports,Module", "./...")))
	var queue []string
	for {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		g.packages[p.ImportPath] = p
		if p.Module != nil && p.Module.Path == external {
			queue = append(queue, p.ImportPath)
			g.importer[p.ImportPath] = ""
		}
	}
	for len(queue) > 0 {
		p := g.packages[queue[0]]
		queue = queue[1:]
		for _, path := range p.Imports {
			if _, seen := g.importer[path]; !seen {
				g.importer[path] = p.ImportPath
				queue = append(queue, path)
			}
		}
	}
	return g
}

// forbidden says of each module that should not be there through which imports it is: the fewest.
func (g graph) forbidden() []string {
	var found []string
	for _, prefix := range forbidden {
		var shortest []string
		for path := range g.packages {
			if path != prefix && !strings.HasPrefix(path, prefix+"/") {
				continue
			}
			if chain := g.chain(path); shortest == nil || len(chain) < len(shortest) {
				shortest = chain
			}
		}
		if shortest != nil {
			found = append(found, strings.Join(shortest, " imports "))
		}
	}
	return found
}

func (g graph) chain(path string) []string {
	var chain []string
	for ; path != ""; path = g.importer[path] {
		chain = append(chain, path)
	}
	slices.Reverse(chain)
	return chain
}

func (g graph) modules() int {
	modules := map[string]bool{}
	for _, p := range g.packages {
		if p.Module != nil && p.Module.Path != external {
			modules[p.Module.Path] = true
		}
	}
	return len(modules)
}

func root(t *testing.T) string {
	t.Helper()
	directory, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return directory
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, directory, program string, words ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, words...)
	command.Dir = directory
	command.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(words, " "), err, stderr.String())
	}
	return string(output)
}
