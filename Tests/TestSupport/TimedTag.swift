import Testing

extension Tag {
    /// Says how soon something happens, by a bound of two seconds or less that other work on the processors would break:
    /// `scripts/test` runs it after all others, alone.
    @Tag public static var timed: Self
}
