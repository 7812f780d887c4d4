/** Numbers of header tags that are read, by rpm's names without prefix. @see rpm's rpmtag.h */
export const TAG = {
  HEADERSIGNATURES: 62,
  HEADERIMMUTABLE: 63,
  NAME: 1000,
  VERSION: 1001,
  RELEASE: 1002,
  EPOCH: 1003,
  SUMMARY: 1004,
  DESCRIPTION: 1005,
  BUILDTIME: 1006,
  BUILDHOST: 1007,
  SIZE: 1009,
  VENDOR: 1011,
  LICENSE: 1014,
  PACKAGER: 1015,
  GROUP: 1016,
  URL: 1020,
  ARCH: 1022,
  OLDFILENAMES: 1027,
  FILESIZES: 1028,
  FILEMODES: 1030,
  FILERDEVS: 1033,
  FILEMTIMES: 1034,
  FILEDIGESTS: 1035,
  FILELINKTOS: 1036,
  FILEFLAGS: 1037,
  FILEUSERNAME: 1039,
  FILEGROUPNAME: 1040,
  SOURCERPM: 1044,
  CHANGELOGTIME: 1080,
  CHANGELOGNAME: 1081,
  CHANGELOGTEXT: 1082,
  FILEDEVICES: 1095,
  FILEINODES: 1096,
  FILELANGS: 1097,
  SOURCEPACKAGE: 1106,
  DIRINDEXES: 1116,
  BASENAMES: 1117,
  DIRNAMES: 1118,
  PAYLOADFORMAT: 1124,
  PAYLOADCOMPRESSOR: 1125,
  LONGFILESIZES: 5008,
  LONGSIZE: 5009,
  FILECAPS: 5010,
  FILEDIGESTALGO: 5011,
  PAYLOADDIGEST: 5092,
  PAYLOADDIGESTALGO: 5093,
  PAYLOADDIGESTALT: 5097,
  MODULARITYLABEL: 5096,
  RPMFORMAT: 5114,
  PAYLOADSHA512: 5121,
  PAYLOADSHA3_256: 5123,
} as const;

/** Numbers of tags of the signature header. `LEGACY` signatures and digests cover header and payload. */
export const SIGNATURE_TAG = {
  DSA: 267,
  RSA: 268,
  SHA1: 269,
  SHA256: 273,
  OPENPGP: 278,
  SHA3_256: 279,
  LEGACY_PGP: 1002,
  LEGACY_MD5: 1004,
  LEGACY_GPG: 1005,
} as const;

/** What a dependency says of its owner. */
export type RelationKind = 'provides' | 'requires' | 'conflicts' | 'obsoletes' | 'recommends' | 'suggests' | 'supplements' | 'enhances';

/** Tags of names, versions and flags of each kind of dependency. */
export const RELATION_TAGS: Readonly<Record<RelationKind, readonly [name: number, version: number, flags: number]>> = {
  provides: [1047, 1113, 1112],
  requires: [1049, 1050, 1048],
  conflicts: [1054, 1055, 1053],
  obsoletes: [1090, 1115, 1114],
  recommends: [5046, 5047, 5048],
  suggests: [5049, 5050, 5051],
  supplements: [5052, 5053, 5054],
  enhances: [5055, 5056, 5057],
};

/** When a scriptlet runs. */
export type ScriptletKind = 'pretrans' | 'pre' | 'post' | 'preun' | 'postun' | 'posttrans' | 'preuntrans' | 'postuntrans' | 'verify';

/** Tags of a scriptlet's text and of the program that runs it. */
export const SCRIPTLET_TAGS: Readonly<Record<ScriptletKind, readonly [text: number, program: number]>> = {
  pretrans: [1151, 1153],
  pre: [1023, 1085],
  post: [1024, 1086],
  preun: [1025, 1087],
  postun: [1026, 1088],
  posttrans: [1152, 1154],
  preuntrans: [5104, 5106],
  postuntrans: [5105, 5107],
  verify: [1079, 1091],
};

/** Bits of the flags of a dependency beside the comparison. @see rpm's rpmds.h */
export const RELATION_FLAG = { PREREQ: 1 << 6, SCRIPT_PRE: 1 << 9, SCRIPT_POST: 1 << 10, RPMLIB: 1 << 24, CONFIG: 1 << 28 } as const;

/** Bits of the flags of a file. @see rpm's rpmfiles.h */
export const FILE_FLAG = { CONFIG: 1 << 0, DOC: 1 << 1, MISSINGOK: 1 << 3, NOREPLACE: 1 << 4, GHOST: 1 << 6, LICENSE: 1 << 7 } as const;
