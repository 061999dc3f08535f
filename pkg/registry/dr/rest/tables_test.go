// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package rest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/client-go/dynamic"

	"github.com/ramendr/dr-apiserver/pkg/apis/dr/v1alpha1"
)

var update = flag.Bool("update", false, "write the tables under testdata as they are now")

// tabled are the kinds with a table under testdata/tables: RESOURCE.yaml has objects, RESOURCE.txt what people see of them.
// Computed kinds follow from the VolumeReplicationGroups.
var tabled = map[string]struct {
	namespaced bool
	objectsOf  string
}{
	"drplacementcontrols":          {true, "drplacementcontrols"},
	"dractions":                    {true, "dractions"},
	"volumereplicationgroups":      {true, "volumereplicationgroups"},
	"protectedvolumes":             {true, "volumereplicationgroups"},
	"replicationgroupsources":      {true, "volumereplicationgroups"},
	"replicationgroupdestinations": {true, "volumereplicationgroups"},
	"drpolicies":                   {false, "drpolicies"},
	"drclusters":                   {false, "drclusters"},
	"drclusterconfigs":             {false, "drclusterconfigs"},
	"maintenancemodes":             {false, "maintenancemodes"},
}

// tableLabel tells the objects of the tables from those of other tests.
const tableLabel = "tables"

func TestWhatPeopleSeeOfEachKind(t *testing.T) {
	heartbeats.Kill("paris")
	for resource, kind := range tabled {
		t.Run(resource, func(t *testing.T) {
			namespace := ""
			if kind.namespaced {
				namespace = "shop-" + utilrand.String(6)
			}
			selector := makeTabled(t, kind.objectsOf, namespace)
			table := readTable(t, resource, namespace, selector)
			shown := printTable(t, table, false) + "\n" + printTable(t, table, true)
			golden(t, filepath.Join("testdata", "tables", resource+".txt"), shown)
		})
	}
}

// makeTabled makes the objects of a file, which is a template so that times can be before now.
func makeTabled(t *testing.T, resource, namespace string) (selector string) {
	t.Helper()
	file := filepath.Join("testdata", "tables", resource+".yaml")
	parsed := template.Must(template.New(resource + ".yaml").Funcs(template.FuncMap{"ago": ago}).ParseFiles(file))
	var manifests bytes.Buffer
	if err := parsed.Execute(&manifests, nil); err != nil {
		t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(api.As(user))
	if err != nil {
		t.Fatal(err)
	}
	value := utilrand.String(6)
	objects := client.Resource(v1alpha1.SchemeGroupVersion.WithResource(resource)).Namespace(namespace)
	for decoder := yaml.NewYAMLOrJSONDecoder(&manifests, 4096); ; {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); err != nil {
			return tableLabel + "=" + value
		}
		object.SetLabels(map[string]string{tableLabel: value})
		created := ok[*unstructured.Unstructured](t)(objects.Create(t.Context(), object, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}))
		if status, found := object.Object["status"]; found {
			created.Object["status"] = status
			ok[*unstructured.Unstructured](t)(objects.UpdateStatus(t.Context(), created, metav1.UpdateOptions{FieldValidation: metav1.FieldValidationStrict}))
		}
	}
}

// ago is a time before now, and half a unit more, so that what is shown of it does not change while the test runs.
func ago(duration string) (string, error) {
	d, err := time.ParseDuration(duration)
	return time.Now().Add(-d - 30*time.Second).UTC().Format("2006-01-02T15:04:05.000000Z"), err
}

func readTable(t *testing.T, resource, namespace, selector string) *metav1.Table {
	t.Helper()
	raw, err := restClient(t).Get().NamespaceIfScoped(namespace, namespace != "").Resource(resource).Param("labelSelector", selector).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	table := &metav1.Table{}
	if err := json.Unmarshal(raw, table); err != nil {
		t.Fatal(err)
	}
	return table
}

// printTable prints a table as kubectl does. Ages and heartbeats are those of the test, not of what is tested.
func printTable(t *testing.T, table *metav1.Table, wide bool) string {
	t.Helper()
	for i, column := range table.ColumnDefinitions {
		if column.Name != "Age" && column.Name != "Heartbeat" {
			continue
		}
		for _, row := range table.Rows {
			if row.Cells[i] != "<none>" {
				row.Cells[i] = "*"
			}
		}
	}
	var out strings.Builder
	if err := printers.NewTablePrinter(printers.PrintOptions{Wide: wide}).PrintObj(table, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// golden compares with a file, or writes it.
func golden(t *testing.T, file, shown string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(shown), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	wanted, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(fmt.Errorf("%w; go test -update writes it", err))
	}
	if shown != string(wanted) {
		t.Errorf("shown is\n%s\nwanted was\n%s\nIf that is meant, go test -update writes it.", shown, wanted)
	}
}
