// SPDX-FileCopyrightText: The RamenDR authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/klog/v2"
)

// File is a configuration that follows its file: a change takes effect with the next question, and a change that can't
// be read is logged and leaves what was.
type File struct {
	path string

	lock     sync.Mutex
	modified time.Time
	current  *Config
}

// Open loads the configuration at path and returns it as one that follows the file.
func Open(path string) (*File, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, Key)
	}
	c, err := Load(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, current: c}
	f.modified, _ = f.stat()
	return f, nil
}

// Profile returns the object store of that name as the file has it now.
func (f *File) Profile(name string) (S3StoreProfile, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	if modified, err := f.stat(); err == nil && !modified.Equal(f.modified) {
		f.modified = modified
		f.reload()
	}
	return f.current.Profile(name)
}

func (f *File) reload() {
	c, err := Load(f.path)
	if err != nil {
		klog.ErrorS(err, "The changed configuration can't be read; going on with the former one")
		return
	}
	f.current = c
}

func (f *File) stat() (time.Time, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}
