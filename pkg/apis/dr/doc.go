// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// +k8s:deepcopy-gen=package
// +groupName=dr.ramen.io

// Package dr holds the internal version of the dr.ramen.io API: the one form the server works on, whatever version a
// request was made in. What each field means is said in the newest version's package, v1alpha1.
package dr
