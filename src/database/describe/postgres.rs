//! What a PostgreSQL database holds, by its catalogue.

use super::ACTION;
use crate::database::postgres::{connect, failed, hang_up, local_limits};
use crate::database::session::{batch, pairs};
use crate::database::url::{DatabaseUrl, Server};
use crate::database::{DatabaseError, Limits};
use crate::plan::SchemaDescription;

/// Names of things with what they are; those of extensions are the extensions'. What
/// is in `public` goes by its plain name.
const THINGS: &str = "\
    WITH spaces AS ( \
        SELECT oid, CASE nspname WHEN 'public' THEN '' ELSE nspname || '.' END AS prefix \
          FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'), \
    relations AS ( \
        SELECT s.prefix || c.relname AS name, c.* \
          FROM pg_class c JOIN spaces s ON s.oid = c.relnamespace \
         WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass \
                            AND d.objid = c.oid AND d.deptype = 'e')) \
    SELECT 'schema ' || nspname, '' FROM pg_namespace \
     WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public') \
    UNION ALL SELECT 'extension ' || extname, '' FROM pg_extension \
    UNION ALL SELECT 'table ' || name, \
        concat_ws(' ', CASE relpersistence WHEN 'u' THEN 'unlogged' END, \
                  CASE relkind WHEN 'p' THEN 'partitioned by ' || pg_get_partkeydef(oid) END, \
                  pg_get_expr(relpartbound, oid)) \
      FROM relations WHERE relkind IN ('r', 'p', 'f') \
    UNION ALL SELECT 'column ' || a.attname || ' of ' || r.name, \
        concat_ws(' ', format_type(a.atttypid, a.atttypmod), \
                  CASE WHEN a.attcollation <> t.typcollation \
                       THEN 'collate ' || a.attcollation::regcollation::text END, \
                  CASE WHEN a.attnotnull THEN 'not null' END, \
                  CASE a.attgenerated WHEN 's' THEN 'generated' ELSE 'default' END || ' ' || \
                      pg_get_expr(d.adbin, d.adrelid), \
                  CASE a.attidentity WHEN 'a' THEN 'identity always' \
                                     WHEN 'd' THEN 'identity by default' END) \
      FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 \
           AND NOT a.attisdropped \
      JOIN pg_type t ON t.oid = a.atttypid \
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
     WHERE r.relkind IN ('r', 'p', 'f') \
    UNION ALL SELECT 'constraint ' || k.conname || ' of ' || r.name, pg_get_constraintdef(k.oid) \
      FROM relations r JOIN pg_constraint k ON k.conrelid = r.oid \
     WHERE k.contype <> 'n' AND k.conparentid = 0 \
    UNION ALL SELECT 'index ' || i.name || ' of ' || t.name, \
        regexp_replace(pg_get_indexdef(i.oid), '^CREATE (UNIQUE )?INDEX .* ON [^ ]+ (USING )', \
                       '\\1\\2') || CASE WHEN x.indisvalid THEN '' ELSE ' invalid' END \
      FROM relations i JOIN pg_index x ON x.indexrelid = i.oid \
      JOIN relations t ON t.oid = x.indrelid \
     WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid) \
    UNION ALL SELECT CASE relkind WHEN 'v' THEN 'view ' ELSE 'materialized view ' END || name, \
        pg_get_viewdef(oid) FROM relations WHERE relkind IN ('v', 'm') \
    UNION ALL SELECT 'sequence ' || name, \
        concat_ws(' ', format_type(q.seqtypid, NULL), 'start', q.seqstart, 'by', q.seqincrement, \
                  'from', q.seqmin, 'to', q.seqmax, CASE WHEN q.seqcycle THEN 'cycle' END) \
      FROM relations r JOIN pg_sequence q ON q.seqrelid = r.oid \
    UNION ALL SELECT 'enum ' || s.prefix || t.typname, \
        (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) \
           FROM pg_enum e WHERE e.enumtypid = t.oid) \
      FROM pg_type t JOIN spaces s ON s.oid = t.typnamespace WHERE t.typtype = 'e' \
    UNION ALL SELECT 'domain ' || s.prefix || t.typname, \
        concat_ws(' ', format_type(t.typbasetype, t.typtypmod), \
                  CASE WHEN t.typnotnull THEN 'not null' END, 'default ' || t.typdefault, \
                  (SELECT string_agg(pg_get_constraintdef(k.oid), ' ' ORDER BY k.conname) \
                     FROM pg_constraint k WHERE k.contypid = t.oid)) \
      FROM pg_type t JOIN spaces s ON s.oid = t.typnamespace WHERE t.typtype = 'd' \
    UNION ALL SELECT 'trigger ' || g.tgname || ' of ' || r.name, pg_get_triggerdef(g.oid) \
      FROM relations r JOIN pg_trigger g ON g.tgrelid = r.oid WHERE NOT g.tgisinternal \
    UNION ALL SELECT 'function ' || s.prefix || p.oid::regprocedure::text, \
        pg_get_functiondef(p.oid) \
      FROM pg_proc p JOIN spaces s ON s.oid = p.pronamespace \
     WHERE p.prokind IN ('f', 'p') \
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass \
                        AND d.objid = p.oid AND d.deptype = 'e')";

pub(super) async fn describe(
    url: &DatabaseUrl,
    server: &Server,
    limits: &Limits,
) -> Result<SchemaDescription, DatabaseError> {
    let mut connection = connect(url, server, limits).await?;
    let sql = format!("BEGIN READ ONLY; {}; {THINGS}; COMMIT", local_limits(limits));
    let failed = |error| failed(url, limits, ACTION, error);
    let rows = batch(&mut connection, sql).await.complete().map_err(failed)?;
    hang_up(connection).await;
    let things = pairs(&rows).map_err(failed)?.into_iter();
    let things = things.map(|(thing, what)| (thing, what.unwrap_or_default()));
    Ok(SchemaDescription { things: things.collect() })
}
