/** The name of the journal of publishing in the state folder. If it exists, a build was killed. */
export const PUBLISH_JOURNAL = 'publish.json';
