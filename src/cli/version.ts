/** The package's version; a constant of the bundle, so that no file is read for it. */

declare const CONDUCTOR_VERSION: string;

export const VERSION = typeof CONDUCTOR_VERSION === 'string' ? CONDUCTOR_VERSION : '0.0.0-source';
