package org.example.wire;

/** Codes that are written. */
@Descriptor(value="org.example.IOther")
@VintfStability
interface ICodes {
    void later() = 100;
    /** @deprecated use later */
    void first() = 0;
}
