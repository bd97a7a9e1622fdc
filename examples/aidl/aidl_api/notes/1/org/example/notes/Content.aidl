///////////////////////////////////////////////////////////////////////////////
// A snapshot of an interface, written by aidlgen. Do not edit it.
//
// In a folder with a number it is a frozen version: programs were compiled
// against it, and changing it breaks them. In the folder "current" it is what
// the next version will be.
///////////////////////////////////////////////////////////////////////////////

package org.example.notes;
union Content {
  String text = "";
  byte[] picture;
}
