# noqa: A005 - it is benchmarks.http, next to which nobody imports the library by its bare name
