// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"encoding/base64"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
)

// renamed are names that people try and that are too far from the right one to be found by spelling.
var renamed = map[string]string{
	"s3Endpoint": "s3CompatibleEndpoint",
	"endpoint":   "s3CompatibleEndpoint",
	"bucket":     "s3Bucket",
	"region":     "s3Region",
	"secretRef":  "s3SecretRef",
	"profiles":   "s3StoreProfiles",
	"s3Profiles": "s3StoreProfiles",
	"name":       "s3ProfileName",
}

// check compares a decoded value with the type it is for and says of each difference where it is and what to do.
func check(path string, value any, t reflect.Type) []error {
	if value == nil || t.Kind() == reflect.Interface {
		return nil
	}
	switch t.Kind() {
	case reflect.Struct:
		return checkStruct(path, value, t)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return checkBytes(path, value)
		}
		return checkList(path, value, t)
	default:
		if want, fits := scalar(value, t); !fits {
			return []error{fmt.Errorf("%s: %s is wanted, found %s", at(path), want, describe(value))}
		}
		return nil
	}
}

func checkStruct(path string, value any, t reflect.Type) []error {
	object, ok := value.(map[string]any)
	if !ok {
		return []error{fmt.Errorf("%s: an object is wanted, found %s", at(path), describe(value))}
	}
	known := fields(t)
	var errs []error
	for _, name := range sets.List(sets.KeySet(object)) {
		if fieldType, ok := known[name]; ok {
			errs = append(errs, check(join(path, name), object[name], fieldType)...)
		} else if !slices.Contains(ignoredFields[t], name) {
			errs = append(errs, unknown(join(path, name), name, known))
		}
	}
	return errs
}

func checkList(path string, value any, t reflect.Type) []error {
	list, ok := value.([]any)
	if !ok {
		return []error{fmt.Errorf("%s: a list is wanted, found %s; begin each item with \"- \"", at(path), describe(value))}
	}
	var errs []error
	for i, item := range list {
		errs = append(errs, check(fmt.Sprintf("%s[%d]", path, i), item, t.Elem())...)
	}
	return errs
}

func checkBytes(path string, value any) []error {
	text, ok := value.(string)
	if !ok {
		return []error{fmt.Errorf("%s: base64 text is wanted, found %s", at(path), describe(value))}
	}
	if _, err := base64.StdEncoding.DecodeString(text); err != nil {
		return []error{fmt.Errorf("%s: is not base64: %w", at(path), err)}
	}
	return nil
}

func scalar(value any, t reflect.Type) (string, bool) {
	switch t.Kind() {
	case reflect.String:
		_, ok := value.(string)
		return "text", ok
	case reflect.Bool:
		_, ok := value.(bool)
		return "true or false", ok
	case reflect.Int:
		number, ok := value.(float64)
		return "a whole number", ok && number == math.Trunc(number)
	default:
		_, ok := value.(map[string]any)
		return "an object", ok
	}
}

func fields(t reflect.Type) map[string]reflect.Type {
	known := map[string]reflect.Type{}
	for field := range t.Fields() {
		known[field.Tag.Get("json")] = field.Type
	}
	return known
}

func unknown(path, name string, known map[string]reflect.Type) error {
	if hint := suggest(name, known); hint != "" {
		return fmt.Errorf("%s: unknown field, did you mean %s", path, hint)
	}
	return fmt.Errorf("%s: unknown field; known here are %s", path, strings.Join(sets.List(sets.KeySet(known)), ", "))
}

func suggest(name string, known map[string]reflect.Type) string {
	if hint, ok := renamed[name]; ok && known[hint] != nil {
		return hint
	}
	best, bestDistance := "", len(name)/3+1
	for _, candidate := range sets.List(sets.KeySet(known)) {
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// distance is the number of letters to insert, drop or change to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func describe(value any) string {
	switch v := value.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return fmt.Sprintf("the text %q", v)
	default:
		return fmt.Sprint(v)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func at(path string) string {
	if path == "" {
		return "the configuration"
	}
	return path
}
