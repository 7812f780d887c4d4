/** Anything that canonical JSON can carry: what keys, records and lock files are made of. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };
