//! What a database of MySQL or MariaDB holds, by its information schema.

use super::ACTION;
use crate::database::mysql::{connect, failed, hang_up, session_limits};
use crate::database::session::{batch, pairs};
use crate::database::url::{DatabaseUrl, Server};
use crate::database::{DatabaseError, Limits};
use crate::plan::SchemaDescription;

const THINGS: &str = "\
    SELECT CAST(concat('table ', table_name) AS CHAR), \
           CAST(concat_ws(' ', engine, table_collation, nullif(create_options, ''), \
                          nullif(concat('comment ', quote(table_comment)), 'comment \\'\\'')) \
                AS CHAR) \
      FROM information_schema.tables WHERE table_schema = database() AND table_type = 'BASE TABLE' \
    UNION ALL SELECT CAST(concat('column ', c.column_name, ' of ', c.table_name) AS CHAR), \
           CAST(concat_ws(' ', c.column_type, \
                          if(c.collation_name = t.table_collation, NULL, c.collation_name), \
                          if(c.is_nullable = 'NO', 'not null', NULL), \
                          concat('default ', c.column_default), nullif(c.extra, ''), \
                          nullif(c.generation_expression, ''), \
                          nullif(concat('comment ', quote(c.column_comment)), 'comment \\'\\'')) \
                AS CHAR) \
      FROM information_schema.columns c JOIN information_schema.tables t \
        ON t.table_schema = c.table_schema AND t.table_name = c.table_name \
     WHERE c.table_schema = database() AND t.table_type = 'BASE TABLE' \
    UNION ALL SELECT CAST(concat('index ', index_name, ' of ', table_name) AS CHAR), \
           CAST(concat(if(max(non_unique) = 0, 'unique ', ''), lower(max(index_type)), ' (', \
                group_concat(concat(coalesce(column_name, '?'), \
                                    coalesce(concat('(', sub_part, ')'), ''), \
                                    if(collation = 'D', ' desc', '')) \
                             ORDER BY seq_in_index SEPARATOR ', '), ')') AS CHAR) \
      FROM information_schema.statistics WHERE table_schema = database() \
     GROUP BY table_name, index_name \
    UNION ALL SELECT CAST(concat('foreign key ', k.constraint_name, ' of ', k.table_name) AS CHAR), \
           CAST(concat('(', group_concat(k.column_name ORDER BY k.ordinal_position \
                                         SEPARATOR ', '), \
                ') to ', max(k.referenced_table_name), ' (', \
                group_concat(k.referenced_column_name ORDER BY k.ordinal_position \
                             SEPARATOR ', '), \
                ') on update ', max(r.update_rule), ' on delete ', max(r.delete_rule)) AS CHAR) \
      FROM information_schema.key_column_usage k \
      JOIN information_schema.referential_constraints r \
        ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name \
       AND r.table_name = k.table_name \
     WHERE k.table_schema = database() GROUP BY k.table_name, k.constraint_name \
    UNION ALL SELECT CAST(concat('check ', c.constraint_name, ' of ', t.table_name) AS CHAR), \
           CAST(c.check_clause AS CHAR) \
      FROM information_schema.check_constraints c JOIN information_schema.table_constraints t \
        ON t.constraint_schema = c.constraint_schema AND t.constraint_name = c.constraint_name \
       AND t.constraint_type = 'CHECK' \
     WHERE c.constraint_schema = database() \
    UNION ALL SELECT CAST(concat('view ', table_name) AS CHAR), CAST(view_definition AS CHAR) \
      FROM information_schema.views WHERE table_schema = database() \
    UNION ALL SELECT CAST(concat('trigger ', trigger_name, ' of ', event_object_table) AS CHAR), \
           CAST(concat_ws(' ', action_timing, event_manipulation, action_statement) AS CHAR) \
      FROM information_schema.triggers WHERE trigger_schema = database()";

pub(super) async fn describe(
    url: &DatabaseUrl,
    server: &Server,
    limits: &Limits,
) -> Result<SchemaDescription, DatabaseError> {
    let mut connection = connect(url, server, limits).await?;
    let sql =
        format!("{}; SET SESSION group_concat_max_len = 65536; {THINGS}", session_limits(limits));
    let failed = |error| failed(url, limits, ACTION, error);
    let rows = batch(&mut connection, sql).await.complete().map_err(failed)?;
    hang_up(connection).await;
    let database = server.name.as_deref().unwrap_or_default();
    let things = pairs(&rows).map_err(failed)?.into_iter();
    // Views name the database that they are in.
    let plain = |what: String| what.replace(&format!("`{database}`."), "");
    let things = things.map(|(thing, what)| (thing, what.map(plain).unwrap_or_default()));
    Ok(SchemaDescription { things: things.collect() })
}
