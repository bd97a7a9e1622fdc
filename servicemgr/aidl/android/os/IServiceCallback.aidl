package android.os;

/** Hears of services that get a name. */
oneway interface IServiceCallback {
    void onRegistration(String name, @nullable IBinder binder);
}
