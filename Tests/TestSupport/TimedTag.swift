import Testing

extension Tag {
    /// Says how soon something happens. `scripts/test` runs it after all others, alone; elsewhere, and beside other work, its bound
    /// must hold too: it grows by what ``ProcessorWait`` sees meanwhile, or is one of processor time.
    @Tag public static var timed: Self
}
