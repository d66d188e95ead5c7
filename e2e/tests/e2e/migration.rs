//! `nova migrate` on a running stack.

use nova_e2e::{exclusive, fingerprints, run, settled};

use crate::ARRIVES;

#[test]
fn migrating_again_changes_nothing_and_the_pipeline_goes_on() {
    run(async {
        let world = exclusive().await;
        settled(&world).await;
        let schema = "SELECT sum(cityHash64(name, create_table_query)) FROM system.tables WHERE database = currentDatabase()";
        let before = (
            world.number(schema).await.unwrap(),
            fingerprints(&world).await.unwrap(),
        );
        for _ in 0..2 {
            let said = world.nova(&["migrate"]).await.unwrap();
            assert!(
                said.contains("0 objects created, 0 views replaced"),
                "{said}"
            );
        }
        let said = world.nova(&["connector", "apply"]).await.unwrap();
        assert!(said.contains("RUNNING: updated"), "{said}");
        assert_eq!(
            (
                world.number(schema).await.unwrap(),
                fingerprints(&world).await.unwrap()
            ),
            before
        );

        let author = world.person().await;
        let viewer = world.person().await;
        viewer.follow(author.id).await;
        let post = author.post("after the migration").await;
        viewer.sees(post, true, ARRIVES).await;
    });
}
