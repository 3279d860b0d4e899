/** The SQL of the page of an activity; alias `activity`. */
export const PAGE = 'COALESCE(activity.page, activity.path)';
