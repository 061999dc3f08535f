// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
)

func TestEveryKeyHasARecordNameOfItsOwn(t *testing.T) {
	long := strings.Repeat("a", 63) + "/" + strings.Repeat("b.", 126) + "b"
	keys := []string{
		"/dr.ramen.io/drpolicies/gold", "/dr.ramen.io/drpolicies/gold.", "/dr.ramen.io/drpolicies/go/ld", "/dr.ramen.io/drpolicies/go.ld",
		"/dr.ramen.io/drpolicies/Gold", "/dr.ramen.io/drpolicies/", "/dr.ramen.io/drpolicies/gold/", "/dr.ramen.io/drpolicies/-",
		"/dr.ramen.io/drplacementcontrols/" + long, "/dr.ramen.io/drplacementcontrols/" + long + "c", "/pods/" + strings.Repeat("x", 400),
	}
	seen := map[string]string{}
	for _, key := range keys {
		name := recordName(key)
		if faults := validation.IsDNS1123Subdomain(name); len(faults) > 0 {
			t.Errorf("%s has a record named %s: %s", key, name, faults)
		}
		if other, taken := seen[name]; taken {
			t.Errorf("%s and %s have the same record %s", key, other, name)
		}
		seen[name] = key
	}
	if name := recordName("/dr.ramen.io/drpolicies/gold"); !strings.HasPrefix(name, "dr.ramen.io.drpolicies.gold.") {
		t.Errorf("%s does not tell people what it is of", name)
	}
}

func TestWhatIsCompressedComesBack(t *testing.T) {
	for _, text := range []string{"", "{}", strings.Repeat("x", 1<<20)} {
		got, err := decompress(compress([]byte(text)))
		if err != nil || string(got) != text {
			t.Errorf("%d bytes come back of %d (%v)", len(got), len(text), err)
		}
	}
	if _, err := decompress([]byte("{}")); err == nil {
		t.Error("what is not compressed is taken for it")
	}
}
