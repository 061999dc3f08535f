// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

// Package records counts what became of the records that applications wrote: which of those acknowledged to them survive
// where, and whether two clusters ever wrote to one volume at once. It reads the files of the storage simulators and
// needs none of them to run.
package records

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ramendr/dr-apiserver/test/storagesim/layout"
)

// Names of the directories under the playground's directory.
const (
	volumesDir = "volumes"
	ackDir     = "acknowledged"
)

// Report is what became of the records of one namespace.
type Report struct {
	Namespace string `json:"namespace"`
	// Time the files were read.
	Time time.Time `json:"time"`
	// Acknowledged, Lost and Overlaps are the sums over the volumes.
	Acknowledged int `json:"acknowledged"`
	Lost         int `json:"lost"`
	Overlaps     int `json:"overlaps"`
	// Torn is how many records that were written to several volumes at once survive on some of them and not on all.
	Torn int `json:"torn"`
	// Volumes by claim, and by age where a claim had several.
	Volumes []Volume `json:"volumes"`
}

// Volume is one volume that records were written to.
type Volume struct {
	// Claim is the PersistentVolumeClaim's name, Handle the volume's. A volume that was made from a snapshot or by a mover is
	// the same volume as the one it goes on from, and has that one's handle here.
	Claim  string `json:"claim"`
	Handle string `json:"handle"`
	// Acknowledged is how many records were acknowledged to writers, on any cluster.
	Acknowledged int `json:"acknowledged"`
	// Primary is the cluster whose copy is writable: of two, the one promoted last. Empty if none is.
	Primary string `json:"primary,omitempty"`
	// ComparedWith is the cluster whose copy Lost speaks of: the primary, or without one the copy promoted last.
	ComparedWith string `json:"comparedWith,omitempty"`
	// Deleted volumes exist on no cluster any more; none of their records counts as lost.
	Deleted bool `json:"deleted,omitempty"`
	// Lost are the records that were acknowledged and are not in that copy.
	Lost Loss `json:"lost"`
	// Copies of the volume, by cluster.
	Copies []Copy `json:"copies"`
	// Writers are who wrote which generation of the volume, by time.
	Writers []Writer `json:"writers"`
	// Overlaps are the times when two clusters were writing.
	Overlaps []Overlap `json:"overlaps"`
}

// Copy is what one cluster's storage holds of a volume.
type Copy struct {
	Cluster string `json:"cluster"`
	Handle  string `json:"handle"`
	// Role is Primary, Secondary or Standalone, Generation the number of promotions this copy knows of.
	Role       string `json:"role"`
	Generation int64  `json:"generation"`
	// Records it holds, and how many of those acknowledged are among them.
	Records   int `json:"records"`
	Surviving int `json:"surviving"`
	// LastSyncTime is up to when the peer has its data, of a primary; up to when it has the peer's, of a copy.
	LastSyncTime *time.Time `json:"lastSyncTime,omitempty"`
}

// Loss counts the acknowledged records that are gone.
type Loss struct {
	Count int `json:"count"`
	// FirstTime and LastTime are when the first and the last of them were written.
	FirstTime *time.Time `json:"firstTime,omitempty"`
	LastTime  *time.Time `json:"lastTime,omitempty"`
	// Records are they.
	Records []layout.Record `json:"-"`
}

// Writer is a cluster that wrote in a generation of a volume.
type Writer struct {
	Cluster    string    `json:"cluster"`
	Generation int64     `json:"generation"`
	Count      int       `json:"count"`
	FirstTime  time.Time `json:"firstTime"`
	LastTime   time.Time `json:"lastTime"`
}

// Overlap is a time in which two clusters wrote to a volume: each got a record acknowledged before the other's first
// and after the other's last within it, or both did in the same generation.
type Overlap struct {
	Clusters    [2]string `json:"clusters"`
	Generations [2]int64  `json:"generations"`
	FirstTime   time.Time `json:"firstTime"`
	LastTime    time.Time `json:"lastTime"`
	// Records are those acknowledged by either in that time.
	Records int `json:"records"`
}

// Read reads the records of a namespace from the playground's directory.
func Read(runDir, namespace string) (*Report, error) {
	claims, err := acknowledged(filepath.Join(runDir, ackDir), namespace)
	if err != nil {
		return nil, err
	}
	clusters, err := findVolumes(runDir)
	if err != nil {
		return nil, err
	}
	report := &Report{Namespace: namespace, Time: time.Now(), Volumes: []Volume{}}
	var members []member
	for key, acks := range claims {
		copies, err := readCopies(clusters, layout.Claim{Namespace: namespace, Name: key.claim}, key.handle)
		if err != nil {
			return nil, err
		}
		report.Volumes = append(report.Volumes, account(key, acks, copies))
		if newest, _ := primary(copies); newest >= 0 {
			members = append(members, member{acks: acks, survivors: keys(copies[newest].records)})
		}
	}
	slices.SortFunc(report.Volumes, func(a, b Volume) int {
		return cmp.Or(strings.Compare(a.Claim, b.Claim), a.Writers[0].FirstTime.Compare(b.Writers[0].FirstTime))
	})
	for _, v := range report.Volumes {
		report.Acknowledged += v.Acknowledged
		report.Lost += v.Lost.Count
		report.Overlaps += len(v.Overlaps)
	}
	report.Torn = torn(members)
	return report, nil
}

// volumeKey names a volume of a claim by its lineage.
type volumeKey struct{ claim, handle string }

// acknowledged reads what was acknowledged to the writers of a namespace.
func acknowledged(dir, namespace string) (map[volumeKey][]layout.Record, error) {
	entries, err := os.ReadDir(filepath.Join(dir, namespace))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	volumes := map[volumeKey][]layout.Record{}
	for _, entry := range entries {
		claim, ok := layout.AckedClaim(entry.Name())
		if !ok {
			continue
		}
		acks, err := layout.ReadRecords(layout.AckPath(dir, layout.Claim{Namespace: namespace, Name: claim}), -1)
		if err != nil {
			return nil, err
		}
		for _, r := range acks {
			key := volumeKey{claim: claim, handle: r.Volume}
			volumes[key] = append(volumes[key], r)
		}
	}
	return volumes, nil
}

// clusterVolumes are what one cluster's storage holds.
type clusterVolumes struct {
	cluster, dir string
	// metas of the volumes by lineage.
	metas map[string][]*layout.Meta
}

// findVolumes finds the clusters' volumes.
func findVolumes(runDir string) ([]clusterVolumes, error) {
	dirs, err := filepath.Glob(filepath.Join(runDir, "*", volumesDir))
	if err != nil {
		return nil, err
	}
	var clusters []clusterVolumes
	for _, dir := range dirs {
		c := clusterVolumes{cluster: filepath.Base(filepath.Dir(dir)), dir: dir, metas: map[string][]*layout.Meta{}}
		handles, err := layout.Handles(dir)
		if err != nil {
			return nil, err
		}
		for _, handle := range handles {
			m, err := layout.ReadMeta(dir, handle)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			c.metas[m.Lineage()] = append(c.metas[m.Lineage()], m)
		}
		clusters = append(clusters, c)
	}
	return clusters, nil
}

// held is what one cluster's storage holds of a volume.
type held struct {
	cluster string
	meta    *layout.Meta
	records []layout.Record
}

// readCopies reads the copies of a claim's volume: what mirrors it, and what goes on from it under the same claim. What only
// helps to carry it over, such as a mover's volumes, is none.
func readCopies(clusters []clusterVolumes, claim layout.Claim, lineage string) ([]held, error) {
	var copies []held
	for _, c := range clusters {
		for _, m := range c.metas[lineage] {
			if m.Handle != lineage && m.Claim != claim {
				continue
			}
			meta, records, err := readCopy(c.dir, m.Handle)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("volume %s on %s: %w", m.Handle, c.cluster, err)
			}
			copies = append(copies, held{cluster: c.cluster, meta: meta, records: records})
		}
	}
	slices.SortFunc(copies, func(a, b held) int {
		return cmp.Or(strings.Compare(a.cluster, b.cluster), strings.Compare(a.meta.Handle, b.meta.Handle))
	})
	return copies, nil
}

// maxReads is how often a copy is read anew that a simulator replaced in the meantime.
const maxReads = 5

func readCopy(dir, handle string) (meta *layout.Meta, records []layout.Record, err error) {
	for range maxReads {
		if meta, err = layout.ReadMeta(dir, handle); err != nil {
			return nil, nil, err
		}
		limit := int64(-1)
		if meta.Role == layout.Secondary {
			limit = meta.Size
		}
		records, err = layout.ReadRecords(layout.RecordsPath(dir, meta), limit)
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return meta, records, err
}
