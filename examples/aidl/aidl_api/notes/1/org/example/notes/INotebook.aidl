///////////////////////////////////////////////////////////////////////////////
// A snapshot of an interface, written by aidlgen. Do not edit it.
//
// In a folder with a number it is a frozen version: programs were compiled
// against it, and changing it breaks them. In the folder "current" it is what
// the next version will be.
///////////////////////////////////////////////////////////////////////////////

package org.example.notes;
interface INotebook {
  long add(in org.example.notes.Note note);
  org.example.notes.Note get(long id);
  void watch(org.example.notes.IWatcher watcher);
  ParcelFileDescriptor print();
  oneway void close();
  const int NO_SUCH_NOTE = 1;
}
