/** Latest time of files that a template's own settings, files and commands make: 1980-01-01T00:00:01Z. */
export const TEMPLATE_EPOCH = 315_532_801;
