// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package restore

import "slices"

// ClaimError is why a claim could not be put in place.
type ClaimError struct {
	// Claim is the name of the PersistentVolumeClaim.
	Claim string
	err   error
}

// OfClaim says of an error, if there is one, which claim could not be put in place because of it.
func OfClaim(claim string, err error) error {
	if err == nil {
		return nil
	}
	return &ClaimError{Claim: claim, err: err}
}

func (e *ClaimError) Error() string { return e.err.Error() }

// Unwrap returns the error itself.
func (e *ClaimError) Unwrap() error { return e.err }

// Claims are the names of those that could not be put in place because of an error, sorted.
func Claims(err error) []string {
	names := claimsOf(err)
	slices.Sort(names)
	return slices.Compact(names)
}

func claimsOf(err error) []string {
	switch e := err.(type) { //nolint:errorlint // each of a tree is looked for
	case *ClaimError:
		return []string{e.Claim}
	case interface{ Unwrap() error }:
		return claimsOf(e.Unwrap())
	case interface{ Unwrap() []error }:
		var names []string
		for _, each := range e.Unwrap() {
			names = append(names, claimsOf(each)...)
		}
		return names
	}
	return nil
}
