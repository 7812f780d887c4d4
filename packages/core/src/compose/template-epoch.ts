/** Latest time of files that a template's own settings, files and commands make: 1980-01-01T00:00:01Z. */
export const TEMPLATE_EPOCH = 315_532_801;

/** Time of what packages' scripts and the maker of initrds make, seconds since 1970. What packages bring keeps its own. */
export function treeEpoch(sourceDateEpoch: number | undefined): number {
  return sourceDateEpoch ?? TEMPLATE_EPOCH;
}
