// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package base

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apiserver/pkg/registry/rest"
)

// None is shown in a cell about which nothing is known.
const None = "<none>"

// Column is one column of a kind's table, between its name and its age.
type Column[T any] struct {
	// Name is the heading.
	Name string
	// Type is string, integer, number or boolean; empty means string.
	Type string
	// Description is shown by clients that explain columns.
	Description string
	// Wide columns are shown only with -o wide.
	Wide bool
	// Cell returns what an object has in this column.
	Cell func(obj T, now time.Time) any
}

type tableConvertor[T runtime.Object] struct {
	definitions []metav1.TableColumnDefinition
	columns     []Column[T]
}

// NewTableConvertor returns the table of a kind: name, the columns given, age, and then those that are wide.
func NewTableConvertor[T runtime.Object](columns ...Column[T]) rest.TableConvertor {
	convertor := &tableConvertor[T]{definitions: []metav1.TableColumnDefinition{{
		Name: "Name", Type: "string", Format: "name", Description: "Name of the object, unique within its scope.",
	}}}
	convertor.add(columns, false)
	convertor.definitions = append(convertor.definitions, metav1.TableColumnDefinition{
		Name: "Age", Type: "string", Description: "Time since the object was created.",
	})
	convertor.columns = append(convertor.columns, Column[T]{Cell: age[T]})
	convertor.add(columns, true)
	return convertor
}

func (c *tableConvertor[T]) add(columns []Column[T], wide bool) {
	for _, column := range columns {
		if column.Wide != wide {
			continue
		}
		definition := metav1.TableColumnDefinition{Name: column.Name, Type: column.Type, Description: column.Description}
		if definition.Type == "" {
			definition.Type = "string"
		}
		if wide {
			definition.Priority = 1
		}
		c.definitions = append(c.definitions, definition)
		c.columns = append(c.columns, column)
	}
}

// ConvertToTable renders one object or a list of them.
func (c *tableConvertor[T]) ConvertToTable(_ context.Context, object, tableOptions runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{}
	if options, ok := tableOptions.(*metav1.TableOptions); !ok || !options.NoHeaders {
		table.ColumnDefinitions = c.definitions
	}
	now := time.Now()
	addRow := func(obj runtime.Object) error {
		row, err := c.row(obj, now)
		if err == nil {
			table.Rows = append(table.Rows, row)
		}
		return err
	}
	if !meta.IsListType(object) {
		if accessor, err := meta.CommonAccessor(object); err == nil {
			table.ResourceVersion = accessor.GetResourceVersion()
		}
		return table, addRow(object)
	}
	if accessor, err := meta.ListAccessor(object); err == nil {
		table.ResourceVersion = accessor.GetResourceVersion()
		table.Continue = accessor.GetContinue()
		table.RemainingItemCount = accessor.GetRemainingItemCount()
	}
	return table, meta.EachListItem(object, addRow)
}

func (c *tableConvertor[T]) row(obj runtime.Object, now time.Time) (metav1.TableRow, error) {
	typed, ok := obj.(T)
	if !ok {
		return metav1.TableRow{}, fmt.Errorf("a table of %T cannot show a %T", *new(T), obj)
	}
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return metav1.TableRow{}, err
	}
	cells := make([]any, 0, len(c.definitions))
	cells = append(cells, accessor.GetName())
	for _, column := range c.columns {
		cells = append(cells, column.Cell(typed, now))
	}
	return metav1.TableRow{Cells: cells, Object: runtime.RawExtension{Object: obj}}, nil
}

func age[T runtime.Object](obj T, now time.Time) any {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return None
	}
	created := accessor.GetCreationTimestamp()
	return ElapsedSince(&created, now)
}

// Elapsed is the time from then until now as people write it.
func Elapsed(then, now time.Time) string {
	return duration.HumanDuration(now.Sub(then))
}

// ElapsedSince is Elapsed, or None if there is no then.
func ElapsedSince(then *metav1.Time, now time.Time) string {
	if then == nil || then.IsZero() {
		return None
	}
	return Elapsed(then.Time, now)
}

// OrNone is the text, or None if it is empty.
func OrNone[S ~string](text S) string {
	if text == "" {
		return None
	}
	return string(text)
}

// ConditionStatus is the status of the condition of that type: Unknown if it is not there.
func ConditionStatus(conditions []metav1.Condition, conditionType string) string {
	if condition := meta.FindStatusCondition(conditions, conditionType); condition != nil {
		return string(condition.Status)
	}
	return string(metav1.ConditionUnknown)
}
