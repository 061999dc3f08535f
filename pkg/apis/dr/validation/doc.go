// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package validation says which objects of the dr.ramen.io API are refused, and why. Each message says what to do instead.
package validation
