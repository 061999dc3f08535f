// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package csiaddons

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/ramendr/dr-apiserver/test/storagesim/csiaddons/sidecarpb"
)

// The sidecar protocol is internal to kubernetes-csi-addons: every method and field of ours has to be one of theirs.
func TestProtocolIsThatOfTheManager(t *testing.T) {
	for file, ours := range map[string]protoreflect.FileDescriptor{
		"replication.proto": pb.File_sidecar_proto, "volumegroup.proto": pb.File_volumegroup_proto, "networkfence.proto": pb.File_networkfence_proto,
	} {
		theirs := manifest(t, file)
		if ours.Package() != "proto" {
			t.Errorf("package %s", ours.Package())
		}
		for i := range ours.Services().Len() {
			checkService(t, theirs, ours.Services().Get(i))
		}
		checkMessages(t, theirs, ours.Messages())
	}
}

func checkService(t *testing.T, theirs map[string]string, service protoreflect.ServiceDescriptor) {
	t.Helper()
	for i := range service.Methods().Len() {
		m := service.Methods().Get(i)
		want := "rpc " + string(m.Name()) + "(" + string(m.Input().Name()) + ")returns(" + string(m.Output().Name()) + ")"
		if !strings.Contains(theirs["service "+string(service.Name())], strings.ReplaceAll(want, " ", "")) {
			t.Errorf("the manager knows no %s", want)
		}
	}
}

func checkMessages(t *testing.T, theirs map[string]string, messages protoreflect.MessageDescriptors) {
	t.Helper()
	for i := range messages.Len() {
		m := messages.Get(i)
		block, ok := theirs["message "+string(m.Name())]
		if !ok && !m.IsMapEntry() {
			t.Errorf("the manager knows no message %s", m.Name())
		}
		for j := range m.Fields().Len() {
			if f := m.Fields().Get(j); ok && !strings.Contains(block, declaration(f)) {
				t.Errorf("message %s: the manager has no field %s", m.Name(), declaration(f))
			}
		}
		checkMessages(t, theirs, m.Messages())
	}
}

// declaration is how a field is declared, without spaces.
func declaration(f protoreflect.FieldDescriptor) string {
	kind := f.Kind().String()
	if f.IsList() {
		kind = "repeated" + kind
	}
	switch {
	case f.IsMap():
		kind = "map<" + f.MapKey().Kind().String() + "," + f.MapValue().Kind().String() + ">"
	case f.Message() != nil && f.Message().ParentFile().Package() == "proto":
		kind = string(f.Message().Name())
	case f.Message() != nil:
		kind = "." + string(f.Message().FullName())
	case f.Enum() != nil:
		kind = string(f.Enum().Name())
	}
	return kind + string(f.Name()) + "=" + strconv.Itoa(int(f.Number())) + ";"
}

var (
	comment = regexp.MustCompile(`//[^\n]*`)
	space   = regexp.MustCompile(`\s+`)
	opening = regexp.MustCompile(`(service|message)\s+(\w+)\s*\{`)
)

// manifest reads the manager's protocol: the text of every service and message, nested ones too, without comments and
// spaces.
func manifest(t *testing.T, file string) map[string]string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/csi-addons/kubernetes-csi-addons").Output()
	if err != nil {
		t.Fatalf("find the module of the manager: %v", err)
	}
	raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "internal", "proto", file))
	if err != nil {
		t.Fatal(err)
	}
	text := comment.ReplaceAllString(string(raw), "")
	blocks := map[string]string{}
	for _, m := range opening.FindAllStringSubmatchIndex(text, -1) {
		name := text[m[2]:m[3]] + " " + text[m[4]:m[5]]
		blocks[name] = space.ReplaceAllString(block(text[m[1]:]), "")
	}
	return blocks
}

// block is the text up to the brace that closes it.
func block(text string) string {
	depth := 1
	for i, c := range text {
		switch c {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth == 0 {
			return text[:i]
		}
	}
	return text
}
