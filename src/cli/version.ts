/** The package's version, as a constant of the bundle, so that no file must be read. */

declare const CONDUCTOR_VERSION: string;

export const VERSION = typeof CONDUCTOR_VERSION === 'string' ? CONDUCTOR_VERSION : '0.0.0-source';
